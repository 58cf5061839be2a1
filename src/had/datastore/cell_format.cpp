#include "had/datastore/cell_format.hpp"

#include <nlohmann/json.hpp>

#include "storage/compare_and_swap.hpp"
#include "storage/vm_lease.hpp"

namespace drover::had {

namespace {

using Json = nlohmann::ordered_json;

// So many fit a cell, whatever their numbers are.
constexpr std::size_t kMostAssignments = 400;

std::optional<std::uint64_t> get_number(const Json& json, const char* field) {
    const auto found = json.find(field);
    if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
}

std::string get_text(const Json& json, const char* field) {
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Nobody if there is no epoch; nothing if it can't be understood.
std::optional<ha::Tenure> tenure_of(const std::string& host, const Json& ha, const char* field,
                                    Names& names) {
    if (host.empty()) return ha::Tenure{};
    const auto number = names.host(host);
    const auto epoch = get_number(ha, field);
    if (!number || !epoch || *epoch == 0) return std::nullopt;
    return ha::Tenure{*number, *epoch};
}

}  // namespace

std::string format_lease(const ha::Lease& lease, const Names& names, std::string_view owner_name,
                         base::WallTime time) {
    Json json{{"owner", lease.owner ? names.uuid_of(lease.owner.host) : ""},
              {"owner_name", lease.owner ? owner_name : ""},
              {"successor", lease.successor ? names.uuid_of(lease.successor.host) : ""},
              {"generation", lease.generation},
              {"time", base::format_time(time)}};
    json["ha"] = {{"owner_epoch", lease.owner.epoch},
                  {"successor_epoch", lease.successor.epoch},
                  {"wanted", lease.wanted}};
    return json.dump() + "\n";
}

std::optional<ha::Lease> parse_lease(std::string_view text, ha::Generation generation, Names& names,
                                     std::string_view self) {
    const auto plain = storage::parse_lease(text, generation);
    if (!plain) return std::nullopt;
    const Json json = Json::parse(text, nullptr, false);
    const auto ha = json.find("ha");
    ha::Lease lease{.generation = generation};
    if (ha == json.end()) {
        if (!plain->is_held()) return lease;
        const auto own = names.host(plain->owner);
        if (plain->owner != self || !own || !plain->successor.empty()) return std::nullopt;
        lease.owner = {*own, 0};
        lease.wanted = true;
        return lease;
    }
    if (!ha->is_object()) return std::nullopt;
    const auto wanted = ha->find("wanted");
    if (wanted == ha->end() || !wanted->is_boolean()) return std::nullopt;
    const auto owner = tenure_of(plain->owner, *ha, "owner_epoch", names);
    const auto successor = tenure_of(plain->successor, *ha, "successor_epoch", names);
    if (!owner || !successor) return std::nullopt;
    lease.owner = *owner;
    lease.successor = *successor;
    lease.wanted = wanted->get<bool>();
    return lease;
}

std::string format_plan(const ha::PlanCell& plan, const Names& names) {
    Json list = Json::array();
    for (const auto& each : plan.assignments) {
        if (list.size() >= kMostAssignments) break;
        list.push_back({{"machine", names.uuid_of(each.machine)},
                        {"generation", each.generation},
                        {"host", names.uuid_of(each.host)}});
    }
    const Json json{{"planner", names.uuid_of(plan.planner.host)},
                    {"epoch", plan.planner.epoch},
                    {"assignments", list}};
    return json.dump() + "\n";
}

std::optional<ha::PlanCell> parse_plan(std::string_view text, ha::Generation generation,
                                       Names& names) {
    if (text.size() > storage::CompareAndSwap::kMaxContentBytes || !text.ends_with('\n')) {
        return std::nullopt;
    }
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto planner = names.host(get_text(json, "planner"));
    const auto epoch = get_number(json, "epoch");
    const auto list = json.find("assignments");
    if (!planner || !epoch || list == json.end() || !list->is_array()) return std::nullopt;
    ha::PlanCell plan{.generation = generation, .planner = {*planner, *epoch}};
    for (const auto& item : *list) {
        if (!item.is_object() || plan.assignments.size() >= kMostAssignments) continue;
        const auto machine = names.machine(get_text(item, "machine"));
        const auto host = names.host(get_text(item, "host"));
        const auto of = get_number(item, "generation");
        if (machine && host && of) plan.assignments.push_back({*machine, *of, *host});
    }
    return plan;
}

}  // namespace drover::had
