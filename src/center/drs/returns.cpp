#include "center/drs/returns.hpp"

#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;

namespace {

constexpr std::string_view kKind = "host.returns";
constexpr std::chrono::seconds kStoreLimit{60};

}  // namespace

Awaitable<void> Returns::load() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        try {
            all_[record.id] = json::parse(record.value).get<std::vector<std::string>>();
        } catch (const json::exception& error) {
            base::log_warning("who left the host {} can't be read: {}", record.id, error.what());
        }
    }
}

Awaitable<void> Returns::note(vim::MoRef host, std::vector<vim::MoRef> machines) {
    if (machines.empty()) co_return;
    auto& ids = all_[host.id];
    for (const auto& machine : machines) {
        if (std::ranges::find(ids, machine.id) == ids.end()) ids.push_back(machine.id);
    }
    store::Record record;
    record.kind = kKind;
    record.id = host.id;
    record.value = json(ids).dump();
    store::Batch batch;
    batch.put(std::move(record));
    co_await commit(context_, std::move(batch));
}

Awaitable<void> Returns::forget(vim::MoRef host) {
    if (all_.erase(host.id) == 0) co_return;
    store::Batch batch;
    batch.remove(std::string(kKind), host.id);
    co_await commit(context_, std::move(batch));
}

}  // namespace drover::center
