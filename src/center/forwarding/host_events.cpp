#include "center/forwarding/host_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/log.hpp"
#include "vim/history_types.hpp"
#include "vim/migration_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKind = "host_events";
// Events come with changes, which are told at once; what comes without is seen a little later.
constexpr std::chrono::milliseconds kAfterChange{300};
constexpr std::chrono::seconds kAnyway{10};
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::int32_t kMostAtOnce = 1000;

/// The last event of a host that was seen.
struct Cursor {
    std::int32_t key = 0;
    base::WallTime time{};
};

// A move between two hosts is one thing, and the center's to tell: the hosts see half of it each.
bool is_part_of_move(const vim::Event& event) {
    return event.is<vim::VmEmigratingEvent>() || event.is<vim::VmMigratedEvent>() ||
           event.is<vim::VmFailedMigrateEvent>();
}

bool is_copied(const vim::Event& event) {
    return !is_part_of_move(event) && !event.is<vim::TaskEvent>() &&
           !event.is<vim::SessionEvent>() && !event.is<vim::AuthorizationEvent>();
}

void unset(vim::Event& event, std::string_view property) {
    Value raw = event.raw();
    const auto index = vim::describe(raw.type()).find_property(property);
    if (index) raw.set_slot(*index, Value{});
    event = vim::Event(raw);
}

store::Record record_of(const MoRef& host, const Cursor& cursor) {
    store::Record record;
    record.kind = kKind;
    record.id = host.id;
    record.value = fmt::format("{} {}", cursor.key, cursor.time.time_since_epoch().count());
    return record;
}

Cursor cursor_of(const store::Record& record) {
    Cursor cursor;
    std::int64_t time = 0;
    const char* end = record.value.data() + record.value.size();
    const auto [at, error] = std::from_chars(record.value.data(), end, cursor.key);
    if (error == std::errc{} && at != end) std::from_chars(at + 1, end, time);
    cursor.time = base::WallTime{std::chrono::microseconds{time}};
    return cursor;
}

}  // namespace

struct HostEventCopies::Impl : std::enable_shared_from_this<Impl> {
    Impl(CenterContext& the_context, Hosts& the_hosts, Mirror& the_mirror,
         Forwarding& the_forwarding)
        : context(the_context), hosts(the_hosts), mirror(the_mirror), forwarding(the_forwarding) {}

    void soon(const MoRef& host);
    Awaitable<void> copy_later(std::shared_ptr<Impl> self, MoRef host);
    Awaitable<void> anyway(std::shared_ptr<Impl> self);
    Awaitable<void> copy(MoRef host);
    Awaitable<vim::Event> latest(HostLink& link, MoRef manager);
    Awaitable<std::vector<vim::Event>> since(HostLink& link, MoRef manager, Cursor cursor);
    void post(const Host& host, vim::Event event);

    CenterContext& context;
    Hosts& hosts;
    Mirror& mirror;
    Forwarding& forwarding;
    std::map<std::string, Cursor> cursors;
    std::unordered_set<std::string> busy;
    std::unordered_set<std::string> again;
    std::vector<std::function<void(vim::Event&)>> copied;
    bool stopped = false;
};

HostEventCopies::HostEventCopies(CenterContext& context, Hosts& hosts, Mirror& mirror,
                                 Forwarding& forwarding)
    : impl_(std::make_shared<Impl>(context, hosts, mirror, forwarding)) {}

HostEventCopies::~HostEventCopies() {
    impl_->stopped = true;
}

void HostEventCopies::on_copied(std::function<void(vim::Event&)> callback) {
    impl_->copied.push_back(std::move(callback));
}

Awaitable<void> HostEventCopies::start() {
    const auto impl = impl_;
    const auto records = co_await impl->context.runtime.blocking(
        "store", [&store = impl->context.store] { return store.load(kKind); }, kStoreLimit);
    for (const auto& record : records) impl->cursors[record.id] = cursor_of(record);
    impl->mirror.on_activity([impl](Host& host) { impl->soon(host.ref); });
    impl->hosts.on_removed([impl](Host& host) {
        impl->cursors.erase(host.ref.id);
        impl->context.runtime.spawn(
            "events",
            commit(impl->context, store::Batch().remove(std::string(kKind), host.ref.id)));
    });
    impl->context.runtime.spawn("host events", impl->anyway(impl));
}

void HostEventCopies::Impl::soon(const MoRef& host) {
    if (!busy.insert(host.id).second) {
        again.insert(host.id);
        return;
    }
    context.runtime.spawn("events of " + host.id, copy_later(shared_from_this(), host));
}

Awaitable<void> HostEventCopies::Impl::copy_later(std::shared_ptr<Impl> self, MoRef host) {
    do {
        again.erase(host.id);
        co_await context.runtime.sleep(kAfterChange);
        if (stopped) co_return;
        try {
            co_await copy(host);
        } catch (const std::exception& error) {
            base::log_debug("events of {}: {}", host.id, error.what());
        }
    } while (!stopped && again.contains(host.id));
    busy.erase(host.id);
    (void)self;
}

Awaitable<void> HostEventCopies::Impl::anyway(std::shared_ptr<Impl> self) {
    while (!self->stopped) {
        co_await context.runtime.sleep(kAnyway);
        if (self->stopped) co_return;
        hosts.for_each([this](Host& host) { soon(host.ref); });
    }
}

Awaitable<vim::Event> HostEventCopies::Impl::latest(HostLink& link, MoRef manager) {
    auto object = vim::ObjectSpec::make();
    object.set_obj(manager);
    auto properties = vim::PropertySpec::make();
    properties.set_type("EventManager");
    properties.set_pathSet({"latestEvent"});
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_objectSet({object});
    spec.set_propSet({properties});
    auto request = vim::RetrievePropertiesExRequest::make();
    request.set_specSet({spec});
    request.set_options(vim::RetrieveOptions::make());
    const vim::RetrieveResult result(co_await link.call(
        "RetrievePropertiesEx", link.content().propertyCollector(), request.raw()));
    if (!result || result.objects().empty()) co_return vim::Event{};
    for (const vim::DynamicProperty each : result.objects()[0].propSet()) {
        const Value value = each.val();
        if (value.kind() == vim::ValueKind::object && vim::is_a(value.type(), TypeId::Event)) {
            co_return vim::Event(value);
        }
    }
    co_return vim::Event{};
}

Awaitable<std::vector<vim::Event>> HostEventCopies::Impl::since(HostLink& link, MoRef manager,
                                                                Cursor cursor) {
    auto filter = vim::EventFilterSpec::make();
    auto time = vim::EventFilterSpecByTime::make();
    time.set_beginTime(cursor.time);
    filter.set_time(time);
    filter.set_maxCount(kMostAtOnce);
    auto request = vim::QueryEventsRequest::make();
    request.set_filter(filter);
    const Value answer = co_await link.call("QueryEvents", manager, request.raw());
    std::vector<vim::Event> events;
    for (const Value& each : answer ? answer.elements() : std::span<const Value>{}) {
        const vim::Event event(each);
        if (event.key() > cursor.key) events.push_back(event);
    }
    std::ranges::sort(events, {}, [](const vim::Event& event) { return event.key(); });
    co_return events;
}

Awaitable<void> HostEventCopies::Impl::copy(MoRef ref) {
    Host* host = hosts.find(ref);
    if (host == nullptr || !host->link || host->link->state() != LinkState::connected) co_return;
    const auto manager = host->link->content().eventManager();
    if (!manager) co_return;
    const vim::Event newest = co_await latest(*host->link, *manager);
    host = hosts.find(ref);
    if (!newest || host == nullptr) co_return;
    const auto known = cursors.find(ref.id);
    // What happened before we met is not ours to tell; nor is a past that the host has lost.
    if (known == cursors.end() || newest.key() < known->second.key) {
        cursors[ref.id] = {newest.key(), newest.createdTime()};
        co_await commit(context, store::Batch().put(record_of(ref, cursors[ref.id])));
        co_return;
    }
    if (newest.key() == known->second.key) co_return;
    const auto events = co_await since(*host->link, *manager, known->second);
    host = hosts.find(ref);
    if (host == nullptr || stopped || events.empty()) co_return;
    for (const vim::Event& event : events) {
        if (is_copied(event)) post(*host, event);
    }
    cursors[ref.id] = {events.back().key(), events.back().createdTime()};
    co_await commit(context, store::Batch().put(record_of(ref, cursors[ref.id])));
}

void HostEventCopies::Impl::post(const Host& host, vim::Event event) {
    const auto chain = forwarding.chain_of(host.ref, event.chainId());
    std::string user = chain ? chain->user : std::string(event.userName());
    if (user == host.target.user) user.clear();
    MoRef machine;
    if (event.vm()) machine = mirror.former_ref_of(host, event.vm().vm());
    std::string machine_name = event.vm() ? std::string(event.vm().name()) : std::string();
    vim::Event made(mirror.to_center(host, event.raw()));
    unset(made, "key");
    unset(made, "chainId");
    unset(made, "userName");
    // The center says these in its own words.
    unset(made, "datacenter");
    unset(made, "computeResource");
    if (!made.is<vim::GeneralEvent>() && !made.is<vim::EventEx>() &&
        !made.is<vim::ExtendedEvent>()) {
        unset(made, "fullFormattedMessage");
    }
    if (chain) made.set_chainId(chain->id);
    if (made.host()) {
        auto argument = vim::HostEventArgument::make();
        argument.set_host(host.ref);
        argument.set_name(host.name);
        made.set_host(argument);
    }
    if (made.vm()) {
        unset(made, "vm");
        if (machine) {
            auto argument = vim::VmEventArgument::make();
            argument.set_vm(machine);
            argument.set_name(machine_name);
            made.set_vm(argument);
        }
    }
    for (const auto& callback : copied) callback(made);
    context.events.post(made, user);
}

}  // namespace drover::center
