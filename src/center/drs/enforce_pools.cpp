// Tells each host what the center's pools come to for its machines.

#include "base/log.hpp"
#include "center/drs/drs.hpp"
#include "center/drs/pool_parts.hpp"
#include "center/hosts/shown_option.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kCallLimit{15};
constexpr std::chrono::minutes kThinkLimit{5};

}  // namespace

Awaitable<void> Drs::enforce_pools(MoRef cluster) {
    const auto view = std::make_shared<const ClusterView>(look(cluster));
    using Parts = std::vector<std::pair<MoRef, service::MachinePart>>;
    const auto parts_of_hosts = co_await parts().context.runtime.blocking(
        "drs:" + cluster.id,
        [view] {
            std::vector<Parts> all;
            for (plan::HostIndex at = 0; at < view->hosts.size(); ++at) {
                all.push_back(pool_parts(*view, at));
            }
            return all;
        },
        kThinkLimit);
    for (std::size_t at = 0; at < view->hosts.size(); ++at) {
        Host* host = parts().hosts.find(view->hosts[at]);
        if (host == nullptr || !host->link || host->link->state() != LinkState::connected) continue;
        service::MachineParts there;
        for (const auto& [machine, part] : parts_of_hosts[at]) {
            const auto ref = parts().mirror.host_ref_of(*host, machine);
            if (ref) there[ref->id] = part;
        }
        std::string text = service::text_of(there);
        if (text.size() > service::kMostMachinePartsBytes) {
            base::log_warning("host {} has too many machines to tell it their parts of pools",
                              host->name);
            text.clear();
        }
        const auto shown = shown_option(parts().context, host->ref, service::kMachinePartsOption);
        const auto told = told_parts_.find(host->ref.id);
        const std::string& before = told != told_parts_.end() ? told->second : shown.value_or("");
        if (!shown || text == before) continue;
        const auto options = host->link->content().setting();
        if (!options) continue;
        told_parts_[host->ref.id] = text;
        auto option = vim::OptionValue::make();
        option.set_key(service::kMachinePartsOption);
        option.set_value(Value::string(text));
        auto request = vim::UpdateOptionsRequest::make();
        request.set_changedValue({option});
        const std::string name = host->name;
        try {
            co_await host->link->call("UpdateOptions", *options, request, kCallLimit);
        } catch (const std::exception& error) {
            told_parts_.erase(view->hosts[at].id);
            base::log_warning("host {} was not told its machines' parts of pools: {}", name,
                              error.what());
        }
    }
}

// Most compute resources have no pools below the root, and never had any.
bool Drs::has_pools_to_enforce(const Host& host) const {
    const auto told = told_parts_.find(host.ref.id);
    if (told != told_parts_.end() && !told->second.empty()) return true;
    const MoRef root = parts().context.tree.root_pool_of(host.compute_resource);
    const auto* pool = root ? parts().context.inventory.find(root) : nullptr;
    if (pool == nullptr) return false;
    const Value& below = pool->property(vim::property::ResourcePool::resourcePool);
    if (below && !below.elements().empty()) return true;
    return told == told_parts_.end() &&
           !shown_option(parts().context, host.ref, service::kMachinePartsOption)
                .value_or("")
                .empty();
}

Awaitable<void> Drs::enforce_pools_for_ever() {
    while (true) {
        std::set<std::pair<TypeId, std::string>> resources;
        parts().hosts.for_each([&](const Host& host) {
            if (!has_pools_to_enforce(host)) return;
            resources.emplace(host.compute_resource.type, host.compute_resource.id);
        });
        for (const auto& [type, id] : resources) {
            std::string problem;
            try {
                co_await enforce_pools({type, id});
            } catch (const std::exception& error) {
                problem = error.what();
            }
            if (!problem.empty()) base::log_warning("the pools of {}: {}", id, problem);
        }
        co_await parts().context.runtime.sleep(kEnforceEvery);
    }
}

}  // namespace drover::center
