// The methods of a cluster that are about DRS.

#include <fmt/format.h>

#include "center/drs/drs.hpp"
#include "plan/drs/placement.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

void require_enabled(const Drs& drs, const MoRef& cluster) {
    if (drs.is_enabled(cluster)) return;
    throw vim::make_fault<vim::NotSupported>("DRS is not enabled in the cluster.");
}

void require_may_apply(const Drs& drs, const Call& call) {
    constexpr std::string_view kPrivilege = "Resource.ApplyRecommendation";
    if (drs.parts().context.authorization.may(*call.caller, call.self, kPrivilege)) return;
    throw vim::no_permission(call.self, kPrivilege);
}

// Where a machine of the cluster, or one that could come into it, would best be.
Value recommend_hosts(Drs& drs, const Call& call) {
    require_enabled(drs, call.self);
    const auto asked = call.arguments<vim::RecommendHostsForVmRequest>();
    const MoRef machine = asked.vm();
    const auto& tree = drs.parts().context.tree;
    if (asked.pool() && tree.owner_of_pool(*asked.pool()) != call.self) {
        throw vim::invalid_argument("pool", "The resource pool is not of this cluster.");
    }
    if (!asked.pool() && compute_resource_of(drs.parts(), machine) != call.self) {
        throw vim::invalid_argument(
            "pool", "The machine is not of this cluster: name the pool that it would go to.");
    }
    ClusterView view = drs.look(call.self, std::vector{machine});
    const auto index = view.machine(machine);
    std::vector<Value> list;
    if (index) {
        if (asked.pool()) view.snapshot.machines[*index].pool = view.pool(*asked.pool());
        const plan::Cluster cluster(view.snapshot);
        const plan::State state(cluster);
        const plan::DemandCost cost(state, view.settings.weights);
        for (const auto& choice : plan::recommend_hosts(state, cost, *index)) {
            auto made = vim::ClusterHostRecommendation::make();
            made.set_host(view.hosts[choice.host]);
            made.set_rating(choice.rating);
            list.push_back(made.raw());
        }
    }
    return Value::array(TypeId::ClusterHostRecommendation, std::move(list));
}

Awaitable<Value> refresh(Drs& drs, Call call) {
    co_await drs.refresh(call.self);
    co_return Value{};
}

}  // namespace

void serve_drs(Drs& drs) {
    auto& dispatcher = drs.parts().context.dispatcher;
    drs.parts().context.tasks.declare("Drm.ExecuteVMotionLRO", "MigrateVM_Task");
    dispatcher.add("RefreshRecommendation", [&drs](Call call) { return refresh(drs, call); });
    dispatcher.add_direct("ApplyRecommendation", [&drs](const Call& call) {
        require_may_apply(drs, call);
        drs.apply(call.self, call.arguments<vim::ApplyRecommendationRequest>().key(),
                  call.caller->user);
        return Value{};
    });
    dispatcher.add_direct("CancelRecommendation", [&drs](const Call& call) {
        require_may_apply(drs, call);
        drs.cancel(call.self, call.arguments<vim::CancelRecommendationRequest>().key());
        return Value{};
    });
    dispatcher.add_direct("RecommendHostsForVm",
                          [&drs](const Call& call) { return recommend_hosts(drs, call); });
    dispatcher.add("PlaceVm", [&drs](Call call) { return place_vm(drs, call); });
}

}  // namespace drover::center
