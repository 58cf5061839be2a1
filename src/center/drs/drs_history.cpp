#include "center/drs/drs_history.hpp"

#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;

namespace {

constexpr std::string_view kKind = "cluster.drs";
constexpr std::chrono::seconds kStoreLimit{60};

json written(const DoneMove& move) {
    return {{"time", move.time.time_since_epoch().count()},
            {"vm", move.machine},
            {"from", move.from},
            {"to", move.to},
            {"reason", move.reason}};
}

DoneMove read(const json& value) {
    return {base::WallTime(std::chrono::microseconds(value.at("time").get<std::int64_t>())),
            value.at("vm").get<std::string>(), value.at("from").get<std::string>(),
            value.at("to").get<std::string>(), value.value("reason", std::string())};
}

}  // namespace

Awaitable<void> DrsHistory::load() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        try {
            const json value = json::parse(record.value);
            Kept kept;
            kept.count = value.at("count").get<std::int32_t>();
            for (const json& move : value.at("moves")) kept.moves.push_back(read(move));
            clusters_[record.id] = std::move(kept);
        } catch (const json::exception& error) {
            base::log_warning("the DRS history of {} can't be read: {}", record.id, error.what());
        }
    }
}

Awaitable<void> DrsHistory::add(vim::MoRef cluster, DoneMove move) {
    Kept& kept = clusters_[cluster.id];
    if (!move.from.empty()) ++kept.count;
    kept.moves.push_front(std::move(move));
    if (kept.moves.size() > kKept) kept.moves.pop_back();
    json moves = json::array();
    for (const DoneMove& each : kept.moves) moves.push_back(written(each));
    store::Record record;
    record.kind = kKind;
    record.id = cluster.id;
    record.value = json{{"count", kept.count}, {"moves", std::move(moves)}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
    store::Batch batch;
    batch.put(std::move(record));
    co_await commit(context_, std::move(batch));
}

const std::deque<DoneMove>& DrsHistory::of(const vim::MoRef& cluster) const {
    static const std::deque<DoneMove> none;
    const auto known = clusters_.find(cluster.id);
    return known == clusters_.end() ? none : known->second.moves;
}

std::int32_t DrsHistory::count_of(const vim::MoRef& cluster) const {
    const auto known = clusters_.find(cluster.id);
    return known == clusters_.end() ? 0 : known->second.count;
}

Awaitable<void> DrsHistory::forget(vim::MoRef cluster) {
    if (clusters_.erase(cluster.id) == 0) co_return;
    store::Batch batch;
    batch.remove(std::string(kKind), cluster.id);
    co_await commit(context_, std::move(batch));
}

std::vector<std::string> DrsHistory::clusters() const {
    std::vector<std::string> ids;
    for (const auto& [id, kept] : clusters_) ids.push_back(id);
    return ids;
}

}  // namespace drover::center
