#include "center/tree/numbers.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/check.hpp"
#include "base/log.hpp"

namespace drover::center {

using vim::TypeId;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::string_view kKind = "center";
constexpr std::string_view kId = "numbers";
// Nobody gets so far; a damaged record must not make the numbers overflow.
constexpr std::int64_t kLast = std::int64_t{1} << 60;

std::string_view prefix_of(TypeId type) {
    switch (type) {
        case TypeId::HostSystem:
            return "host-";
        case TypeId::VirtualMachine:
            return "vm-";
        case TypeId::Datastore:
            return "datastore-";
        case TypeId::Network:
            return "network-";
        case TypeId::ClusterComputeResource:
            return "domain-c";
        case TypeId::ComputeResource:
            return "domain-s";
        case TypeId::ResourcePool:
            return "resgroup-";
        case TypeId::VirtualApp:
            return "resgroup-v";
        case TypeId::Datacenter:
            return "datacenter-";
        case TypeId::VirtualMachineSnapshot:
            return "snapshot-";
        default:
            return {};
    }
}

store::Batch reservation(std::int64_t up_to) {
    store::Record record;
    record.kind = kKind;
    record.id = kId;
    record.value = std::to_string(up_to);
    return std::move(store::Batch().put(std::move(record)));
}

std::int64_t last_number(store::Store& store) {
    std::int64_t last = 1;  // group-d1, the root folder
    if (const auto known = store.get(kKind, kId)) {
        const auto& text = known->value;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), last);
        if (error != std::errc{} || end != text.data() + text.size() || last < 1 || last > kLast) {
            throw store::StoreError("the record of numbers is damaged");
        }
    }
    return last;
}

}  // namespace

task::Awaitable<void> Numbers::start() {
    reserved_ = co_await runtime_.blocking(
        "store", [&store = store_] { return last_number(store); }, kStoreLimit);
    next_ = reserved_ + 1;
}

// Batches are stored in their order, so a reservation that is only queued is on the disk before
// any record that was committed after it.
std::int64_t Numbers::take() {
    DROVER_CHECK(next_ > 0);
    if (next_ > reserved_ || failed_->load()) {
        const std::int64_t up_to = next_ > reserved_ ? reserved_ + kBlock : reserved_;
        const auto failed = std::make_shared<std::atomic<bool>>(false);
        store_.commit(reservation(up_to), [failed](std::exception_ptr error) {
            if (!error) return;
            base::log_error("numbers can't be reserved in the store");
            failed->store(true);
        });
        failed_ = failed;
        reserved_ = up_to;
    }
    return next_++;
}

vim::MoRef Numbers::next(TypeId type) {
    std::string_view prefix = prefix_of(type);
    if (prefix.empty()) return {type, fmt::format("{}-{}", vim::describe(type).name(), take())};
    return {type, next_id(prefix)};
}

std::string Numbers::next_id(std::string_view prefix) {
    return fmt::format("{}{}", prefix, take());
}

void skip_numbers(store::Store& store, std::int64_t count) {
    store.commit_and_wait(reservation(last_number(store) + count));
}

}  // namespace drover::center
