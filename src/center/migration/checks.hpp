#pragma once

#include <vector>

#include "center/migration/destination.hpp"

namespace drover::center {

/// Why a machine can't go somewhere, and what would be different there. In the center's references.
struct Findings {
    std::vector<vim::LocalizedMethodFault> errors;
    std::vector<vim::LocalizedMethodFault> warnings;
};

/// Everything that stands in the way of a move, the destination host's own reasons included.
/// Nothing is changed. What prevents looking (a host that does not answer) is a finding, too.
task::Awaitable<Findings> check_move(MigrationParts parts, vim::MoRef machine, Destination to);

/// A finding as the fault that a move fails with: the only one itself, of several the first, with
/// the others' words in its message.
vim::Fault refusal_of(const Findings& findings);

}  // namespace drover::center
