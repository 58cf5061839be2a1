#pragma once

// OptionManager "ha-adv-options": settings of the host, which its configuration shows as well.

#include "host/context.hpp"
#include "service/options/options.hpp"

namespace drover::host {

using service::OptionDefinition;

/// Belongs to the strand.
class Options : public service::Options {
public:
    explicit Options(const HostContext& context);
};

}  // namespace drover::host
