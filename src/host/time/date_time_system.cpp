#include "host/time/date_time_system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/log.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "rootd/client.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKind = "host";
constexpr std::string_view kServersId = "time-servers";
constexpr std::chrono::seconds kLimit{30};
constexpr std::size_t kMostServers = 10;

vim::HostDateTimeSystemTimeZone make_zone(const TimeZone& zone) {
    auto made = vim::HostDateTimeSystemTimeZone::make();
    made.set_key(zone.name);
    made.set_name(zone.name);
    made.set_description(zone.name);
    made.set_gmtOffset(zone.gmt_offset_s);
    return made;
}

vim::HostDateTimeInfo make_info(const TimeZone& zone, const std::vector<std::string>& servers) {
    auto ntp = vim::HostNtpConfig::make();
    ntp.set_server({servers.begin(), servers.end()});
    auto made = vim::HostDateTimeInfo::make();
    made.set_timeZone(make_zone(zone));
    made.set_ntpConfig(ntp);
    made.set_systemClockProtocol("ntp");
    return made;
}

}  // namespace

void check_time_servers(const std::vector<std::string>& servers, std::string_view path) {
    if (servers.size() > kMostServers) {
        throw vim::invalid_argument(path,
                                    fmt::format("There may be {} servers at most.", kMostServers));
    }
    for (const auto& server : servers) {
        const bool plain =
            !server.empty() && server.size() <= 253 && server.front() != '-' &&
            server.find("..") == std::string::npos && std::ranges::all_of(server, [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == ':' || c == '_';
            });
        if (!plain) {
            throw vim::invalid_argument(
                path, fmt::format("'{}' is no name or address of a server.", server));
        }
    }
}

std::int64_t DateTimeSystem::now_s() const {
    const auto now = context_.runtime.clock().wall_now().time_since_epoch();
    return std::chrono::floor<std::chrono::seconds>(now).count();
}

Awaitable<void> DateTimeSystem::start() {
    const auto stored = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.get(kKind, kServersId); }, kLimit);
    if (stored) {
        std::istringstream words(stored->value);
        for (std::string word; words >> word;) servers_.push_back(word);
    }
    const auto& self = references::date_time_system;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    co_await refresh();
    auto& dispatcher = context_.dispatcher;
    const auto& clock = context_.runtime.clock();
    dispatcher.add_direct("QueryDateTime", [&clock](const task::Call&) {
        return Value::date_time(clock.wall_now());
    });
    dispatcher.add("QueryAvailableTimeZones", [this](task::Call) { return list_zones(); });
    dispatcher.add("RefreshDateTimeSystem", [this](task::Call) -> Awaitable<Value> {
        co_await refresh();
        co_return Value{};
    });
    dispatcher.add("UpdateDateTimeConfig",
                   [this](task::Call call) { return update_config(std::move(call)); });
    dispatcher.add("UpdateDateTime",
                   [this](task::Call call) { return update_clock(std::move(call)); });
}

Awaitable<void> DateTimeSystem::refresh() {
    zone_ = co_await context_.runtime.blocking(
        "host", [now = now_s()] { return local_time_zone(now); }, kLimit);
    const auto info = make_info(zone_, servers_);
    model::Transaction transaction(context_.inventory);
    transaction.set(references::date_time_system, vim::property::HostDateTimeSystem::dateTimeInfo,
                    info.raw());
    edit_host_config(transaction, [&](vim::HostConfigInfo& host) { host.set_dateTimeInfo(info); });
    transaction.commit();
}

Awaitable<Value> DateTimeSystem::list_zones() {
    const auto zones = co_await context_.runtime.blocking(
        "host", [now = now_s()] { return all_time_zones(now); }, kLimit);
    std::vector<Value> list;
    for (const TimeZone& zone : zones) list.push_back(make_zone(zone).raw());
    co_return Value::array(TypeId::HostDateTimeSystemTimeZone, std::move(list));
}

Awaitable<void> DateTimeSystem::ask_helper(std::function<void(rootd::Client&)> work) {
    std::string failure = "there is no root helper";
    if (context_.rootd != nullptr) {
        failure.clear();
        try {
            co_await context_.runtime.blocking(
                "rootd", [rootd = context_.rootd, work] { work(*rootd); }, kLimit);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    }
    if (!failure.empty()) {
        throw vim::make_fault<vim::HostConfigFault>("The computer's time was not changed: " +
                                                    failure);
    }
}

Awaitable<void> DateTimeSystem::set_servers(std::vector<std::string> servers) {
    co_await ask_helper([servers](rootd::Client& rootd) { rootd.set_time_servers(servers); });
    store::Record record;
    record.kind = kKind;
    record.id = kServersId;
    record.value = fmt::format("{}", fmt::join(servers, " "));
    store::Batch batch;
    batch.put(std::move(record));
    co_await context_.runtime.blocking(
        "store", [this, batch] { context_.store.commit_and_wait(batch); }, kLimit);
    servers_ = std::move(servers);
}

Awaitable<Value> DateTimeSystem::update_config(task::Call call) {
    const auto config = call.arguments<vim::UpdateDateTimeConfigRequest>().config();
    const std::string zone(config.timeZone().value_or(""));
    if (!zone.empty()) {
        const auto found = co_await context_.runtime.blocking(
            "host", [zone, now = now_s()] { return find_time_zone(zone, now); }, kLimit);
        if (!found) {
            throw vim::invalid_argument("config.timeZone",
                                        fmt::format("There is no time zone '{}'.", zone));
        }
    }
    const auto protocol = config.protocol();
    if (protocol && *protocol != "ntp") {
        throw vim::invalid_argument("config.protocol", "The host's clock follows NTP only.");
    }
    std::vector<std::string> servers;
    if (config.ntpConfig()) {
        for (const auto server : config.ntpConfig().server()) servers.emplace_back(server);
        check_time_servers(servers, "config.ntpConfig.server");
    }
    base::log_info("audit: '{}' changes the configuration of the clock", call.caller->user);
    if (!zone.empty() && zone != zone_.name) {
        co_await ask_helper([zone](rootd::Client& rootd) { rootd.set_time_zone(zone); });
    }
    if (config.ntpConfig() && servers != servers_) co_await set_servers(std::move(servers));
    co_await refresh();
    co_return Value{};
}

Awaitable<Value> DateTimeSystem::update_clock(task::Call call) {
    const auto time = call.arguments<vim::UpdateDateTimeRequest>().dateTime();
    const auto since_1970_us =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    if (since_1970_us <= 0) {
        throw vim::invalid_argument("dateTime", "The time must lie after 1970.");
    }
    base::log_warning("audit: '{}' sets the clock", call.caller->user);
    co_await ask_helper([since_1970_us](rootd::Client& rootd) { rootd.set_clock(since_1970_us); });
    co_return Value{};
}

}  // namespace drover::host
