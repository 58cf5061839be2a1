#include "center/compatibility/cluster_cpu.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/compatibility/evc_checks.hpp"
#include "center/compatibility/evc_view.hpp"
#include "center/hosts/host_events.hpp"
#include "vim/history_types.hpp"
#include "vim/inventory_types.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::string_view kModeKind = "cluster.evc";
constexpr std::string_view kOfferKind = "host.cpu";
constexpr std::string_view kBaselineKind = "cluster.cpu";
constexpr std::string_view kOption = "Drover.cpuBaseline";
constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::seconds kCallLimit{15};
constexpr std::chrono::seconds kSettleLimit{5};
constexpr std::chrono::milliseconds kLook{20};

store::Record record(std::string_view kind, std::string id, std::string value) {
    store::Record made;
    made.kind = kind;
    made.id = std::move(id);
    made.value = std::move(value);
    return made;
}

std::string shortfalls(const std::vector<plan::Shortfall>& list) {
    std::vector<std::string> words;
    for (const auto& each : list) {
        words.push_back(fmt::format("{} ({})", each.name, each.features.text()));
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

Awaitable<void> ClusterCpu::load() {
    const auto read = [this](std::string_view kind) {
        return context_.runtime.blocking(
            "store", [this, kind = std::string(kind)] { return context_.store.load(kind); },
            kStoreLimit);
    };
    for (const auto& each : co_await read(kModeKind)) modes_[each.id] = each.value;
    for (const auto& each : co_await read(kOfferKind)) {
        if (auto cpu = plan::parse_cpu(each.value)) offers_[each.id] = *std::move(cpu);
    }
    for (const auto& each : co_await read(kBaselineKind)) {
        if (auto cpu = plan::parse_cpu(each.value)) {
            noted_[each.id] = {cpu->vendor, cpu->features, plan::newest_evc_mode(*cpu)};
        }
    }
}

Awaitable<void> ClusterCpu::start() {
    co_await load();
    for (const MoRef& cluster : clusters()) show(cluster);
    hosts_.on_join([this](MoRef cluster, Joining joining) {
        return require_may_join(*this, cluster, std::move(joining));
    });
    hosts_.on_joined([this](MoRef cluster) { return settle(cluster); });
    serve_evc(*this);
    news_ = context_.inventory.observe([this](const model::Delta& delta) { note_news(delta); });
    context_.runtime.spawn("CPU baselines", follow_for_ever());
}

// A host that came, or tells more: who is powered on right afterwards shall see what is promised
// with it.
void ClusterCpu::note_news(const model::Delta& delta) {
    namespace host = vim::property::HostSystem;
    for (const model::PropertyChange& change : delta.changes) {
        if (change.object->type() != TypeId::HostSystem) continue;
        if (change.property != host::config && change.property != host::parent) continue;
        has_news_ = true;
        pause_.cancel();
    }
}

Awaitable<void> ClusterCpu::follow_for_ever() {
    while (true) {
        try {
            co_await follow();
        } catch (const std::exception& error) {
            base::log_warning("the clusters' CPU baselines: {}", error.what());
        }
        if (!std::exchange(has_news_, false)) {
            pause_.expires_after(kInterval);
            co_await pause_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            has_news_ = false;
        }
    }
}

Awaitable<void> ClusterCpu::follow() {
    co_await keep_offers();
    note_members();
    forget_gone();
    for (const MoRef& cluster : clusters()) {
        const plan::Baseline now = baseline(cluster, vendor_of(cluster), mode_of(cluster));
        const auto noted = noted_.find(cluster.id);
        if (now.features.empty() ||
            (noted != noted_.end() && noted->second.features == now.features)) {
            continue;
        }
        store::Batch batch;
        batch.put(
            record(kBaselineKind, cluster.id, plan::text_of(plan::Cpu{now.vendor, now.features})));
        co_await commit(context_, std::move(batch));
        note_change(cluster, "");
        show(cluster);
    }
    std::vector<MoRef> all;
    hosts_.for_each([&](Host& host) { all.push_back(host.ref); });
    // Each by itself: one that does not answer holds up nobody.
    for (const MoRef& host : all) {
        if (!is_settled(host)) context_.runtime.spawn("CPU baselines", tell(host));
    }
}

bool ClusterCpu::is_settled(const MoRef& host) const {
    const auto known = settled_.find(host.id);
    return known != settled_.end() && known->second.generation == generation_ &&
           known->second.config.same_content(config_of(context_, host));
}

bool ClusterCpu::is_to_be_told(const MoRef& ref) const {
    const Host* host = hosts_.find(ref);
    return host != nullptr && host->link && host->link->state() == LinkState::connected &&
           host->link->content().setting() && !offered_by(context_, ref).features.empty();
}

// Until all hosts of the cluster show what is promised by now: whoever powers a machine on after
// the task of a join counts on it. Slow hosts hold nobody up for long; they are told later.
Awaitable<void> ClusterCpu::settle(MoRef cluster) {
    const auto begun = context_.runtime.clock().steady_now();
    const auto is_behind = [this](const MoRef& host) {
        return is_to_be_told(host) && !is_settled(host);
    };
    note_members();
    has_news_ = true;
    pause_.cancel();
    while (std::ranges::any_of(hosts_of(cluster), is_behind) &&
           context_.runtime.clock().steady_now() - begun < kSettleLimit) {
        co_await context_.runtime.sleep(kLook);
    }
}

void ClusterCpu::note_members() {
    std::map<std::string, std::string> places;
    hosts_.for_each([&](Host& host) { places[host.ref.id] = host.compute_resource.id; });
    if (places == places_) return;
    places_ = std::move(places);
    ++generation_;
}

// What a host offers is known while it is away, too.
Awaitable<void> ClusterCpu::keep_offers() {
    store::Batch batch;
    hosts_.for_each([&](Host& host) {
        const vim::Value& config = config_of(context_, host.ref);
        vim::Value& read = read_[host.ref.id];
        if (!config || config.same_content(read)) return;
        read = config;
        const plan::Cpu now = offered_by(context_, host.ref);
        if (now.features.empty()) return;
        plan::Cpu& kept = offers_[host.ref.id];
        if (kept.vendor == now.vendor && kept.features == now.features) return;
        kept = now;
        ++generation_;
        batch.put(record(kOfferKind, host.ref.id, plan::text_of(now)));
    });
    if (!batch.writes().empty()) co_await commit(context_, std::move(batch));
}

void ClusterCpu::forget_gone() {
    store::Batch batch;
    std::erase_if(offers_, [&](const auto& item) {
        if (hosts_.find({TypeId::HostSystem, item.first}) != nullptr) return false;
        batch.remove(std::string(kOfferKind), item.first);
        read_.erase(item.first);
        settled_.erase(item.first);
        told_.erase(item.first);
        return true;
    });
    const auto is_gone = [this](const std::string& id) {
        return context_.inventory.find(MoRef{TypeId::ClusterComputeResource, id}) == nullptr;
    };
    std::erase_if(modes_, [&](const auto& item) {
        if (!is_gone(item.first)) return false;
        batch.remove(std::string(kModeKind), item.first);
        return true;
    });
    std::erase_if(noted_, [&](const auto& item) {
        if (!is_gone(item.first)) return false;
        batch.remove(std::string(kBaselineKind), item.first);
        return true;
    });
    std::erase_if(managers_, [&](const auto& item) {
        if (!is_gone(item.first)) return false;
        model::Transaction transaction(context_.inventory);
        transaction.destroy(item.second);
        transaction.commit();
        return true;
    });
    if (batch.writes().empty()) return;
    context_.runtime.spawn("CPU baselines", commit(context_, std::move(batch)));
}

plan::Promise ClusterCpu::promise_for(const Host& host) const {
    const auto offer = offers_.find(host.ref.id);
    if (host.compute_resource.type != TypeId::ClusterComputeResource || offer == offers_.end()) {
        return {};
    }
    const plan::EvcMode* mode = mode_of(host.compute_resource);
    const auto now = baseline(host.compute_resource, offer->second.vendor, mode);
    if (mode == nullptr && now.features.includes(offer->second.features)) return {};
    return {mode == nullptr ? std::string() : std::string(mode->key), now.features};
}

// What the host shows is compared with what it should; so nothing need be remembered.
Awaitable<void> ClusterCpu::tell(MoRef ref) {
    Host* host = hosts_.find(ref);
    if (host == nullptr || !host->link || host->link->state() != LinkState::connected) co_return;
    const plan::Cpu offer = offered_by(context_, ref);
    if (offer.features.empty()) co_return;
    const plan::Promise wanted = promise_for(*host);
    const bool is_free = wanted == plan::Promise{};
    const auto allowed = is_free ? offer.features : offer.features.common_with(wanted.features);
    const vim::HostListSummary summary(
        context_.inventory.get(ref).property(vim::property::HostSystem::summary));
    const std::string shown_mode(summary.currentEVCModeKey().value_or(""));
    const std::string text = is_free ? std::string() : plan::text_of(wanted);
    if (shown_by(context_, ref).features == allowed && shown_mode == wanted.mode) {
        told_.erase(ref.id);
        settled_[ref.id] = {generation_, config_of(context_, ref)};
        co_return;
    }
    // It takes a moment until it is seen here.
    if (const auto told = told_.find(ref.id); told != told_.end() && told->second == text) {
        told_.erase(told);
        co_return;
    }
    const auto options = host->link->content().setting();
    if (!options) co_return;
    told_[ref.id] = text;
    auto option = vim::OptionValue::make();
    option.set_key(kOption);
    option.set_value(vim::Value::string(text));
    auto request = vim::UpdateOptionsRequest::make();
    request.set_changedValue({option});
    try {
        co_await host->link->call("UpdateOptions", *options, request, kCallLimit);
    } catch (const vim::Fault& fault) {
        base::log_warning("host {} was not told its CPU baseline: {}", ref.id, fault.message());
    }
}

// Tells what became different, and for whom.
void ClusterCpu::note_change(const MoRef& cluster, const std::string& user) {
    const plan::EvcMode* mode = mode_of(cluster);
    const plan::Baseline now = baseline(cluster, vendor_of(cluster), mode);
    const bool is_first = !noted_.contains(cluster.id);
    const plan::Baseline before = std::exchange(noted_[cluster.id], now);
    std::vector<plan::MachineCpu> machines_here;
    for (const SeenCpu& each : machines(cluster)) {
        machines_here.push_back({each.name, each.cpu.features});
    }
    const auto change =
        plan::preview(is_first ? now : before, now, members(cluster), machines_here);
    if (change.lost.empty() && change.gained.empty() && change.need_power_cycle.empty()) return;
    std::string text =
        fmt::format("The CPU baseline of the cluster '{}' is new{}.", name_of(context_, cluster),
                    mode == nullptr ? "" : fmt::format(" (EVC {})", mode->key));
    if (!change.lost.empty()) {
        text += fmt::format(" Machines that are powered on from now on no longer see: {}.",
                            change.lost.text());
    }
    if (!change.gained.empty()) {
        text += fmt::format(" They see besides: {}.", change.gained.text());
    }
    if (!change.need_power_cycle.empty()) {
        text +=
            fmt::format(" Need to be powered off and on before they can run everywhere in it: {}.",
                        shortfalls(change.need_power_cycle));
    }
    base::log_info("{}", text);
    auto event = vim::GeneralUserEvent::make();
    event.set_message(text);
    set_place(event, context_, cluster);
    context_.events.post(event, user);
}

Awaitable<void> ClusterCpu::set_mode(MoRef cluster, const plan::EvcMode* mode, std::string user) {
    const plan::Baseline now = baseline(cluster, vendor_of(cluster), mode);
    store::Batch batch;
    if (mode == nullptr) {
        batch.remove(std::string(kModeKind), cluster.id);
    } else {
        batch.put(record(kModeKind, cluster.id, std::string(mode->key)));
    }
    if (!now.features.empty()) {
        batch.put(
            record(kBaselineKind, cluster.id, plan::text_of(plan::Cpu{now.vendor, now.features})));
    }
    co_await commit(context_, std::move(batch));
    if (mode == nullptr) {
        modes_.erase(cluster.id);
    } else {
        modes_[cluster.id] = mode->key;
    }
    ++generation_;
    if (!now.features.empty()) note_change(cluster, user);
    show(cluster);
    base::log_info("audit: '{}' set EVC of {} to '{}'", user, cluster.id,
                   mode == nullptr ? "none" : mode->key);
    for (const MoRef& host : hosts_of(cluster)) co_await tell(host);
}

std::vector<MoRef> ClusterCpu::clusters() const {
    std::vector<MoRef> found;
    hosts_.for_each([&](Host& host) {
        const MoRef& place = host.compute_resource;
        if (place.type == TypeId::ClusterComputeResource &&
            std::ranges::find(found, place) == found.end()) {
            found.push_back(place);
        }
    });
    return found;
}

std::vector<MoRef> ClusterCpu::hosts_of(const MoRef& cluster) const {
    std::vector<MoRef> found;
    hosts_.for_each([&](Host& host) {
        if (host.compute_resource == cluster) found.push_back(host.ref);
    });
    return found;
}

std::vector<plan::HostCpu> ClusterCpu::members(const MoRef& cluster) const {
    std::vector<plan::HostCpu> found;
    for (const MoRef& ref : hosts_of(cluster)) {
        const auto offer = offers_.find(ref.id);
        if (offer != offers_.end()) found.push_back({hosts_.find(ref)->name, offer->second});
    }
    return found;
}

std::vector<SeenCpu> ClusterCpu::machines(const MoRef& cluster) const {
    std::vector<SeenCpu> found;
    for (const MoRef& ref : hosts_of(cluster)) {
        for (auto& each : machines_on(context_, ref)) found.push_back(std::move(each));
    }
    return found;
}

const plan::EvcMode* ClusterCpu::mode_of(const MoRef& cluster) const {
    const auto mode = modes_.find(cluster.id);
    return mode == modes_.end() ? nullptr : plan::find_evc_mode(mode->second);
}

plan::Baseline ClusterCpu::baseline(const MoRef& cluster, plan::CpuVendor vendor,
                                    const plan::EvcMode* mode) const {
    auto alike = members(cluster);
    std::erase_if(alike, [&](const plan::HostCpu& host) { return host.cpu.vendor != vendor; });
    const plan::Baseline common = plan::common_baseline(alike);
    return mode == nullptr || alike.empty() ? common : plan::lowered_to(common, *mode);
}

plan::CpuVendor ClusterCpu::vendor_of(const MoRef& cluster) const {
    return plan::common_baseline(members(cluster)).vendor;
}

MoRef ClusterCpu::manager_of(const MoRef& cluster) {
    MoRef& manager = managers_[cluster.id];
    if (!manager) {
        model::Transaction transaction(context_.inventory);
        manager = transaction.create(TypeId::ClusterEVCManager, "evc-" + cluster.id);
        transaction.set(manager, vim::property::ClusterEVCManager::managedCluster,
                        vim::Value::moref(cluster));
        transaction.commit();
        show(cluster);
    }
    return manager;
}

void ClusterCpu::show(const MoRef& cluster) {
    const auto hosts = members(cluster);
    std::vector<const plan::EvcMode*> possible;
    for (const plan::EvcMode& mode : plan::evc_modes()) {
        const bool fits = std::ranges::all_of(hosts, [&](const plan::HostCpu& host) {
            return host.cpu.vendor == mode.vendor && host.cpu.features.includes(mode.features);
        });
        if (fits) possible.push_back(&mode);
    }
    const plan::EvcMode* mode = mode_of(cluster);
    const std::string current = mode == nullptr ? std::string() : std::string(mode->key);
    namespace property = vim::property::ComputeResource;
    model::Transaction transaction(context_.inventory);
    if (const auto manager = managers_.find(cluster.id); manager != managers_.end()) {
        transaction.set(
            manager->second, vim::property::ClusterEVCManager::evcState,
            evc_state(possible, current, baseline(cluster, vendor_of(cluster), mode)).raw());
    }
    if (const vim::Value& value = transaction.get(cluster, property::summary); value) {
        vim::ClusterComputeResourceSummary summary(value);
        if (current.empty()) {
            summary.clear_currentEVCModeKey();
        } else {
            summary.set_currentEVCModeKey(current);
        }
        transaction.set(cluster, property::summary, summary.raw());
    }
    transaction.commit();
}

}  // namespace drover::center
