#pragma once

#include <string>
#include <vector>

#include "center/context.hpp"
#include "center/hosts/hosts.hpp"
#include "plan/cpu/baseline.hpp"

namespace drover::center {

/// The CPU that a list of capabilities or requirements describes; unknown and empty if there is
/// none.
plan::Cpu cpu_of_list(const vim::Value& list);

/// A machine of the cluster that is powered on or suspended, and what it has seen.
struct SeenCpu {
    vim::MoRef machine;
    vim::MoRef host;
    std::string name;
    plan::Cpu cpu;
};

/// HostSystem.config; unset if it is not known yet.
const vim::Value& config_of(const CenterContext& context, const vim::MoRef& host);

/// What the host offers now, and what it lets machines see.
plan::Cpu offered_by(const CenterContext& context, const vim::MoRef& host);
plan::Cpu shown_by(const CenterContext& context, const vim::MoRef& host);

/// Of one host. Machines that nobody knows to have seen anything are left out.
std::vector<SeenCpu> machines_on(const CenterContext& context, const vim::MoRef& host);

std::string name_of(const CenterContext& context, const vim::MoRef& entity);

/// A host that is no member yet, asked over a link to it.
struct JoiningHost {
    plan::HostCpu cpu;
    std::vector<SeenCpu> machines;  ///< with the host's own references
};
task::Awaitable<JoiningHost> ask_host(std::shared_ptr<HostLink> link, std::string name);

}  // namespace drover::center
