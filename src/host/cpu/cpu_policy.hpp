#pragma once

#include <optional>
#include <string>

#include "host/context.hpp"
#include "host/machines/machine.hpp"
#include "hypervisor/domain_spec.hpp"
#include "plan/cpu/evc_mode.hpp"
#include "plan/cpu/promise.hpp"

namespace drover::host {

class Options;

/// What machines of this host see of a CPU. Belongs to the strand.
class CpuPolicy {
public:
    explicit CpuPolicy(const HostContext& context);

    /// Defines the option by which a center tells the cluster's promise. Its start shows the
    /// features of the host.
    void define_option(Options& options);

    struct Choice {
        hypervisor::CpuSpec spec;  ///< mode and features; the counts are the machine's
        std::string seen;          ///< plan::text_of() of what the guest will see; may be empty
    };

    /// For a machine that is started or resumed now. FeatureRequirementsNotMet if its masks demand,
    /// or its memory knows, what it can't have here.
    Choice choose(const Machine& machine) const;

private:
    void follow(std::string_view text);
    void show() const;
    plan::FeatureSet allowed() const;

    const HostContext& context_;
    plan::Cpu offered_;
    std::optional<plan::Promise> promise_;
};

}  // namespace drover::host
