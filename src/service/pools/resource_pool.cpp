#include "service/pools/resource_pool.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace drover::service {

using nlohmann::json;
using vim::ResourceAllocationInfo;
using vim::SharesLevel;

namespace {

constexpr std::int32_t kMostShares = 4'000'000;
constexpr std::int32_t kNormalCpuShares = 4'000;
constexpr std::int32_t kNormalMemoryShares = 163'840;

[[noreturn]] void refuse(const std::string& path, std::string_view reason) {
    throw vim::invalid_argument(path, fmt::format("{}: {}", path, reason));
}

std::int32_t shares_of(SharesLevel level, std::int32_t normal) {
    if (level == SharesLevel::low) return normal / 2;
    return level == SharesLevel::high ? normal * 2 : normal;
}

void apply_shares(ResourceAllocationInfo& target, const vim::SharesInfo& wanted,
                  const std::string& path, std::int32_t normal) {
    auto shares = wanted;
    if (shares.level() != SharesLevel::custom) {
        shares.set_shares(shares_of(shares.level(), normal));
    } else if (shares.shares() < 1 || shares.shares() > kMostShares) {
        refuse(path + ".shares.shares", fmt::format("must be 1 to {}", kMostShares));
    }
    target.set_shares(shares);
}

void apply_allocation(ResourceAllocationInfo& target, const ResourceAllocationInfo& wanted,
                      const std::string& path, std::int32_t normal, bool complete) {
    const auto demand = [&](bool given, std::string_view property) {
        if (complete && !given) {
            refuse(fmt::format("{}.{}", path, property), "a new pool needs it");
        }
        return given;
    };
    if (!wanted) {
        if (complete) refuse(path, "a new pool needs it");
        return;
    }
    if (demand(wanted.reservation().has_value(), "reservation")) {
        if (*wanted.reservation() < 0) refuse(path + ".reservation", "must not be negative");
        target.set_reservation(*wanted.reservation());
    }
    if (demand(wanted.expandableReservation().has_value(), "expandableReservation")) {
        target.set_expandableReservation(*wanted.expandableReservation());
    }
    if (demand(wanted.limit().has_value(), "limit")) {
        if (*wanted.limit() < -1) refuse(path + ".limit", "must be -1 (none) or more");
        target.set_limit(*wanted.limit());
    }
    if (demand(static_cast<bool>(wanted.shares()), "shares")) {
        apply_shares(target, wanted.shares(), path, normal);
    }
    const auto limit = target.limit().value_or(-1);
    if (limit >= 0 && limit < target.reservation().value_or(0)) {
        refuse(path + ".limit", "is below the reservation");
    }
}

json to_json(const ResourceAllocationInfo& info) {
    return {{"reservation", info.reservation().value_or(0)},
            {"expandable", info.expandableReservation().value_or(false)},
            {"limit", info.limit().value_or(-1)},
            {"level", vim::to_string(info.shares().level())},
            {"shares", info.shares().shares()}};
}

ResourceAllocationInfo allocation_from_json(const json& value) {
    auto info = ResourceAllocationInfo::make();
    info.set_reservation(value.at("reservation").get<std::int64_t>());
    info.set_expandableReservation(value.at("expandable").get<bool>());
    info.set_limit(value.at("limit").get<std::int64_t>());
    auto shares = vim::SharesInfo::make();
    const auto word = value.at("level").get<std::string>();
    for (const auto level : {SharesLevel::low, SharesLevel::normal, SharesLevel::high}) {
        if (vim::to_string(level) == word) shares.set_level(level);
    }
    if (word == vim::to_string(SharesLevel::custom)) shares.set_level(SharesLevel::custom);
    shares.set_shares(value.at("shares").get<std::int32_t>());
    info.set_shares(shares);
    return info;
}

}  // namespace

vim::ResourceConfigSpec ResourcePool::config() const {
    auto made = vim::ResourceConfigSpec::make();
    made.set_entity(ref);
    if (!is_root()) {
        made.set_changeVersion(std::to_string(version));
        made.set_lastModified(modified);
    }
    made.set_cpuAllocation(cpu);
    made.set_memoryAllocation(memory);
    return made;
}

store::Record record_of(const ResourcePool& pool) {
    store::Record record;
    record.kind = kPoolRecordKind;
    record.id = pool.ref.id;
    record.name = pool.name;
    record.parent = pool.parent.id;
    record.value = json{{"name", pool.name},
                        {"parent", pool.parent.id},
                        {"version", pool.version},
                        {"modified", std::chrono::duration_cast<std::chrono::microseconds>(
                                         pool.modified.time_since_epoch())
                                         .count()},
                        {"cpu", to_json(pool.cpu)},
                        {"memory", to_json(pool.memory)}}
                       .dump();
    return record;
}

ResourcePool pool_from_record(const store::Record& record) {
    const json value = json::parse(record.value);
    ResourcePool pool;
    pool.ref = {vim::TypeId::ResourcePool, record.id};
    pool.name = value.at("name").get<std::string>();
    pool.parent = {vim::TypeId::ResourcePool, value.at("parent").get<std::string>()};
    pool.version = value.at("version").get<std::uint64_t>();
    pool.modified =
        base::WallTime(std::chrono::microseconds(value.at("modified").get<std::int64_t>()));
    pool.cpu = allocation_from_json(value.at("cpu"));
    pool.memory = allocation_from_json(value.at("memory"));
    return pool;
}

Allocation allocation_of(const ResourceAllocationInfo& info) {
    if (!info) return {};
    return {.reservation = info.reservation().value_or(0),
            .limit = info.limit().value_or(-1),
            .shares = info.shares() ? info.shares().shares() : 0,
            .expandable = info.expandableReservation().value_or(false)};
}

void apply_spec(ResourcePool& pool, const vim::ResourceConfigSpec& spec, std::string_view path,
                bool complete) {
    const std::string at(path);
    if (spec.changeVersion() && !complete &&
        *spec.changeVersion() != std::to_string(pool.version)) {
        throw vim::make_fault<vim::ConcurrentAccess>(
            fmt::format("{}.changeVersion: the pool is at {}", at, pool.version));
    }
    auto cpu = pool.cpu ? pool.cpu : ResourceAllocationInfo::make();
    auto memory = pool.memory ? pool.memory : ResourceAllocationInfo::make();
    apply_allocation(cpu, spec.cpuAllocation(), at + ".cpuAllocation", kNormalCpuShares, complete);
    apply_allocation(memory, spec.memoryAllocation(), at + ".memoryAllocation", kNormalMemoryShares,
                     complete);
    pool.cpu = cpu;
    pool.memory = memory;
}

}  // namespace drover::service
