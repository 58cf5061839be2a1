#pragma once

// The texts of the cells that change by compare-and-swap: leases and the plan. A machine's lease is
// the very cell by which hosts without high availability agree too; what this adds stands in a
// field of its own, "ha", that they don't look at.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "ha/protocol/lease.hpp"
#include "had/names.hpp"

namespace drover::had {

/// JSON on one line. `owner_name` is for people.
std::string format_lease(const ha::Lease& lease, const Names& names, std::string_view owner_name,
                         base::WallTime time);

/// The lease of this generation. Nothing if it can't be understood, or is held by a host that
/// keeps no epochs: then it is not known who may run the machine. If that host is `self` (a UUID),
/// it runs here, unguarded.
std::optional<ha::Lease> parse_lease(std::string_view text, ha::Generation generation, Names& names,
                                     std::string_view self);

std::string format_plan(const ha::PlanCell& plan, const Names& names);
/// Nothing if it is no plan. Assignments that name nobody are left out.
std::optional<ha::PlanCell> parse_plan(std::string_view text, ha::Generation generation,
                                       Names& names);

}  // namespace drover::had
