#include "center/availability/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "center/availability/choose_etcd.hpp"

namespace drover::center {

using nlohmann::json;

namespace {

// The ports that vSphere's own high availability has between hosts, and the next.
constexpr int kEtcdClientPort = 8182;
constexpr int kEtcdPeerPort = 8183;

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::ranges::find(list, text) != list.end();
}

// "[shared] web/web.vmx" -> "shared", "web/web.vmx"
std::pair<std::string, std::string> parts_of(const std::string& path) {
    const auto end = path.find("] ");
    if (!path.starts_with('[') || end == std::string::npos) return {};
    return {path.substr(1, end - 1), path.substr(end + 2)};
}

// The text must not change because somebody shows the same in another order.
void add_texts(json& object, const char* name, std::vector<std::string> texts) {
    if (texts.empty()) return;
    std::ranges::sort(texts);
    object[name] = std::move(texts);
}

void sort_lists(json& rule) {
    for (const char* name : {"machines", "hosts"}) {
        if (rule.contains(name)) std::sort(rule[name].begin(), rule[name].end());
    }
}

class Drafter {
public:
    Drafter(const DraftCluster& cluster, const std::string& present)
        : cluster_(cluster), present_(present) {}

    Draft make() {
        for (const auto& datastore : cluster_.datastores) {
            const bool is_shared = std::ranges::all_of(cluster_.hosts, [&](const DraftHost& host) {
                return contains(host.datastores, datastore.id);
            });
            if (is_shared && !datastore.uuid.empty()) shared_.push_back(&datastore);
        }
        const auto count = cluster_.hosts.size();
        const auto* chosen = count < 2 || count > kMostWatching ? nullptr : choose();
        if (chosen == nullptr) return give_up();
        draft_.datastore = chosen->id;
        draft_.datastore_uuid = chosen->uuid;
        choose_machines(*chosen);
        write();
        return std::move(draft_);
    }

private:
    std::string problem() const {
        if (cluster_.hosts.size() < 2) return "the cluster needs two hosts at least";
        if (cluster_.hosts.size() > kMostWatching) {
            return fmt::format("no more than {} hosts can watch each other", kMostWatching);
        }
        return cluster_.settings.only_preferred
                   ? "none of the selected heartbeat datastores is seen by all hosts"
                   : "no datastore is seen by all hosts of the cluster";
    }

    Draft give_up() {
        draft_.problem = problem();
        for (const auto& machine : cluster_.machines) {
            draft_.unprotected[machine.id] = draft_.problem;
        }
        return std::move(draft_);
    }

    std::size_t machines_on(const DraftDatastore& datastore) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(cluster_.machines, [&](const DraftMachine& machine) {
                return parts_of(machine.vmx).first == datastore.name;
            }));
    }

    // The administrator's, then the one that hosts use already, then that of most machines.
    const DraftDatastore* choose() const {
        const auto& preferred = cluster_.settings.preferred_datastores;
        const auto worth = [&](const DraftDatastore& each) {
            return std::tuple(contains(preferred, each.id), each.id == present_, machines_on(each),
                              each.free_bytes);
        };
        const DraftDatastore* best = nullptr;
        for (const auto* each : shared_) {
            if (cluster_.settings.only_preferred && !contains(preferred, each->id)) continue;
            if (best == nullptr || worth(*each) > worth(*best)) best = each;
        }
        return best;
    }

    // Where the machine's .vmx file is, if all hosts see it.
    const DraftDatastore* home_of(const DraftMachine& machine) const {
        const auto name = parts_of(machine.vmx).first;
        const auto found = std::ranges::find(shared_, name, &DraftDatastore::name);
        return found == shared_.end() ? nullptr : *found;
    }

    std::string reason_against(const DraftMachine& machine, const DraftDatastore& chosen) const {
        if (cluster_.settings.of(machine.id).priority == "disabled") {
            return "its restart priority is 'disabled'";
        }
        if (parts_of(machine.vmx).second.empty() || machine.uuid.empty())
            return "its file can't be read";
        for (const auto& id : machine.datastores) {
            const bool is_shared =
                std::ranges::any_of(shared_, [&](const auto* each) { return each->id == id; });
            if (!is_shared) return "it needs a datastore that not all hosts of the cluster see";
        }
        const auto* home = home_of(machine);
        if (home == nullptr) return "not all hosts of the cluster see its datastore";
        if (home != &chosen && !others_.contains(home->uuid) && others_.size() >= kMostOthers) {
            return fmt::format("machines on {} other datastores are protected already",
                               others_.size());
        }
        if (uuids_.contains(machine.uuid)) return "another machine has the same UUID";
        if (chosen_.size() >= kMostProtected) {
            return fmt::format("{} machines are protected already", kMostProtected);
        }
        return {};
    }

    void choose_machines(const DraftDatastore& chosen) {
        std::vector<const DraftMachine*> sorted;
        for (const auto& machine : cluster_.machines) sorted.push_back(&machine);
        std::ranges::sort(sorted, [](const auto* one, const auto* other) {
            return std::tie(one->uuid, one->id) < std::tie(other->uuid, other->id);
        });
        for (const auto* machine : sorted) {
            auto reason = reason_against(*machine, chosen);
            if (!reason.empty()) {
                draft_.unprotected[machine->id] = std::move(reason);
                continue;
            }
            uuids_.insert(machine->uuid);
            const auto* home = home_of(*machine);
            if (home != &chosen) others_.insert(home->uuid);
            uuid_of_[machine->id] = machine->uuid;
            chosen_.push_back(machine);
        }
    }

    json written(const DraftMachine& machine) const {
        const auto& settings = cluster_.settings.of(machine.id);
        json made{{"id", machine.uuid},
                  {"path", parts_of(machine.vmx).second},
                  {"name", machine.name},
                  {"priority", cluster_.settings.restarts ? settings.priority : "disabled"},
                  {"isolation", cluster_.settings.restarts ? settings.isolation : "leave_on"},
                  {"ready_when", settings.ready_when},
                  {"ready_timeout_s", settings.ready_timeout_s},
                  {"vcpus", machine.vcpus},
                  {"memory_mb", machine.memory_mb},
                  {"cpu_reservation_mhz", machine.cpu_reservation_mhz},
                  {"memory_reservation_mb", machine.memory_reservation_mb}};
        const auto& datastore = home_of(machine)->uuid;
        if (datastore != draft_.datastore_uuid) made["datastore"] = datastore;
        add_texts(made, "networks", machine.networks);
        if (settings.reset_when_storage_is_back) made["reset_when_storage_is_back"] = true;
        if (const auto& how = settings.monitoring; how.enabled) {
            made["monitoring"] = {{"failure_interval_s", how.failure_interval_s},
                                  {"minimum_uptime_s", how.minimum_uptime_s},
                                  {"io_interval_s", how.io_interval_s},
                                  {"maximum_failures", how.maximum_failures},
                                  {"maximum_failure_window_s", how.maximum_failure_window_s}};
        }
        const auto first = cluster_.settings.depends_on.find(machine.id);
        if (first == cluster_.settings.depends_on.end()) return made;
        for (const auto& id : first->second) {
            const auto known = uuid_of_.find(id);
            if (known != uuid_of_.end()) made["depends_on"].push_back(known->second);
        }
        return made;
    }

    // What is to be on one host is brought together again by DRS: it must not keep one of them from
    // being started.
    std::string_view word_of(const plan::Rule& rule) const {
        const auto& settings = cluster_.settings;
        switch (rule.kind) {
            case plan::RuleKind::keep_apart:
                return settings.respects_anti_affinity ? "keep_apart" : "";
            case plan::RuleKind::must_run_on:
                return "must_run_on";
            case plan::RuleKind::must_not_run_on:
                return "must_not_run_on";
            case plan::RuleKind::should_run_on:
                return settings.respects_soft_host_rules ? "should_run_on" : "";
            case plan::RuleKind::should_not_run_on:
                return settings.respects_soft_host_rules ? "should_not_run_on" : "";
            case plan::RuleKind::keep_together:
            case plan::RuleKind::spread:
                break;
        }
        return "";
    }

    void write_rules(json& catalogue) const {
        std::size_t count = 0;
        for (const auto& rule : cluster_.rules) {
            const auto kind = word_of(rule);
            if (kind.empty()) continue;
            json made{{"name", rule.name}, {"kind", kind}, {"machines", json::array()}};
            for (const auto row : rule.machines) {
                const auto known = uuid_of_.find(cluster_.machines[row].id);
                if (known != uuid_of_.end()) made["machines"].push_back(known->second);
            }
            const bool is_apart = rule.kind == plan::RuleKind::keep_apart;
            if (made["machines"].size() < (is_apart ? 2 : 1)) continue;
            for (const auto row : rule.hosts) made["hosts"].push_back(cluster_.hosts[row].uuid);
            sort_lists(made);
            if (++count > kMostRules) return;
            catalogue["rules"].push_back(std::move(made));
        }
    }

    void write() {
        json catalogue{{"memory_overcommit", cluster_.memory_overcommit},
                       {"hosts", json::array()},
                       {"machines", json::array()}};
        std::vector<const DraftHost*> hosts;
        for (const auto& host : cluster_.hosts) hosts.push_back(&host);
        std::ranges::sort(hosts, {}, &DraftHost::uuid);
        for (const auto* host : hosts) {
            catalogue["hosts"].push_back(
                {{"id", host->uuid},
                 {"name", host->name},
                 {"cpu_mhz", std::max(1.0, host->cpu_mhz)},
                 {"memory_mb", std::max<std::int64_t>(1, host->memory_mb)}});
            add_texts(catalogue["hosts"].back(), "networks", host->networks);
        }
        for (const auto* machine : chosen_) catalogue["machines"].push_back(written(*machine));
        write_rules(catalogue);
        draft_.catalogue = catalogue.dump(-1, ' ', false, json::error_handler_t::replace);
    }

    const DraftCluster& cluster_;
    const std::string& present_;
    std::vector<const DraftDatastore*> shared_;
    std::vector<const DraftMachine*> chosen_;
    std::set<std::string> uuids_;
    std::set<std::string> others_;  // datastores with machines, where hosts don't watch each other
    std::map<std::string, std::string> uuid_of_;  // by the machine's id
    Draft draft_;
};

}  // namespace

Draft make_draft(const DraftCluster& cluster, const std::string& present, const DraftEtcd& etcd) {
    auto draft = Drafter(cluster, present).make();
    if (!draft.catalogue.empty()) draft.etcd = choose_etcd(cluster.hosts, etcd);
    return draft;
}

std::string option_text(const Draft& draft, std::uint64_t version, const std::string& token) {
    if (draft.catalogue.empty()) return {};
    json catalogue = json::parse(draft.catalogue);
    catalogue["version"] = version;
    json made{{"datastore", draft.datastore_uuid}, {"catalogue", std::move(catalogue)}};
    if (!draft.etcd.members.empty()) {
        json etcd{{"token", token},
                  {"client_port", kEtcdClientPort},
                  {"peer_port", kEtcdPeerPort},
                  {"members", json::array()},
                  {"authorities", json::array()}};
        for (const auto& [host, address] : draft.etcd.members) {
            etcd["members"].push_back({{"host", host}, {"address", address}});
        }
        for (const auto& [host, certificate] : draft.etcd.certificates) {
            etcd["authorities"].push_back(certificate);
        }
        made["etcd"] = std::move(etcd);
    }
    return made.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace drover::center
