#pragma once

#include "center/drs/drs.hpp"
#include "center/migration/moves.hpp"

namespace drover::center {

/// Where a machine goes, or why it can't.
struct EvacuationStep {
    vim::MoRef machine;
    std::string name;
    std::int64_t memory_bytes = 0;
    vim::MoRef to;  ///< unset: it can't go
    std::vector<vim::LocalizedMethodFault> obstacles;
};

/// Which machines must leave a host, the largest first, and where each would go: to the host of the
/// same compute resource with the most free memory that has room for it and can take it. Room that
/// one machine takes is no longer there for the next. `leaving` hosts take nobody.
task::Awaitable<std::vector<EvacuationStep>> plan_evacuation(MigrationParts parts, vim::MoRef host,
                                                             std::vector<vim::MoRef> leaving,
                                                             bool powered_off_too);

/// The same for the running machines of hosts in a cluster with DRS: its planner keeps rules and
/// reservations, and makes room where there is none.
struct DrsEvacuation {
    std::shared_ptr<const ClusterView> view;
    plan::MigrationPlan migrations;
    std::vector<EvacuationStep> machines;
};
task::Awaitable<DrsEvacuation> plan_drs_evacuation(Drs& drs, vim::MoRef cluster,
                                                   std::vector<vim::MoRef> hosts);

/// The maintenance methods that the center serves instead of the hosts.
void serve_maintenance(Drs& drs);

}  // namespace drover::center
