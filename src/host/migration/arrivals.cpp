#include "host/migration/arrivals.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "vim/json.hpp"

namespace drover::host {

using storage::DatastorePath;
using task::Awaitable;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::seconds kDomainLimit{60};
constexpr std::chrono::seconds kLookInterval{2};
constexpr std::chrono::milliseconds kFinishPause{100};
// What the other engine had sent before its way was cut has been heard of by then.
constexpr std::chrono::milliseconds kLastWords{500};
constexpr int kFinishTries = 100;

}  // namespace

store::Record Arrivals::record_of(const Incoming& incoming) {
    store::Record record;
    record.kind = kRecordKind;
    record.id = incoming.id.value();
    record.value = nlohmann::json{{"ticket", incoming.ticket},
                                  {"spec", vim::encode_json_value(incoming.spec.raw(),
                                                                  vim::TypeId::DroverMigrationSpec,
                                                                  vim::newest_release())},
                                  {"path", incoming.path.to_string()},
                                  {"moves", incoming.moves_storage},
                                  {"begun", incoming.begun}}
                       .dump();
    return record;
}

IncomingPtr Arrivals::from_record(const store::Record& record) const {
    try {
        const auto value = nlohmann::json::parse(record.value);
        auto incoming = std::make_shared<Incoming>();
        incoming->id = VmId(record.id);
        incoming->ticket = value.at("ticket").get<std::string>();
        incoming->spec = vim::DroverMigrationSpec(vim::decode_json_value(
            value.at("spec").get<std::string>(), vim::TypeId::DroverMigrationSpec));
        incoming->path = Datastores::parse_path(value.at("path").get<std::string>());
        incoming->moves_storage = value.at("moves").get<bool>();
        incoming->begun = value.at("begun").get<bool>();
        return incoming;
    } catch (const std::exception& error) {
        base::log_error("the record of the coming machine {} is damaged, left alone: {}", record.id,
                        error.what());
        return nullptr;
    }
}

storage::LeaseHolder Arrivals::source_of(const Incoming& incoming) const {
    return {std::string(incoming.spec.sourceHostUuid()),
            std::string(incoming.spec.sourceHostName())};
}

Awaitable<void> Arrivals::store(store::Batch batch) {
    co_await context_.runtime.blocking(
        "store",
        [this, batch = std::move(batch)]() mutable {
            context_.store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
}

Awaitable<void> Arrivals::start() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kRecordKind); }, kStoreLimit);
    co_await load_done();
    for (const store::Record& record : records) {
        if (auto incoming = from_record(record)) incoming_[incoming->ticket] = incoming;
    }
    subscription_ = context_.hypervisor.subscribe([this](const hypervisor::Event& event) {
        boost::asio::post(context_.runtime.strand(), [this, event] { handle(event); });
    });
    for (auto [_, incoming] : std::map(incoming_)) {
        base::log_info("machine '{}' was on its way here", incoming->spec.name());
        co_await settle(incoming);
    }
    if (!incoming_.empty() && !watching_) context_.runtime.spawn("coming machines", watch());
}

Awaitable<void> Arrivals::load_done() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kDoneKind); }, kStoreLimit);
    const auto now = context_.runtime.clock().wall_now();
    store::Batch old;
    for (const store::Record& record : records) {
        const auto value = nlohmann::json::parse(record.value, nullptr, false);
        const base::WallTime when{std::chrono::seconds{value.value("time", std::int64_t{0})}};
        if (now - when > kDoneKept) {
            old.remove(std::string(kDoneKind), record.id);
            continue;
        }
        auto arrival = vim::DroverMigrationArrival::make();
        arrival.set_vm({vim::TypeId::VirtualMachine, record.id});
        arrival.set_path(value.value("path", std::string()));
        done_[value.value("ticket", std::string())] = {arrival, when};
    }
    if (!old.writes().empty()) co_await store(std::move(old));
}

void Arrivals::handle(const hypervisor::Event& event) {
    const auto* lifecycle = std::get_if<hypervisor::LifecycleEvent>(&event);
    if (lifecycle == nullptr) return;
    for (const auto& [_, incoming] : incoming_) {
        if (incoming->over || incoming->uuid() != lifecycle->uuid) continue;
        context_.runtime.spawn("machine on its way", settle(incoming));
        return;
    }
}

Awaitable<void> Arrivals::watch() {
    watching_ = true;
    while (!incoming_.empty()) {
        co_await context_.runtime.sleep(kLookInterval);
        for (auto [_, incoming] : std::map(incoming_)) co_await settle(incoming);
    }
    watching_ = false;
    const auto now = context_.runtime.clock().wall_now();
    std::erase_if(done_, [&](const auto& item) { return now - item.second.when > kDoneKept; });
}

IncomingPtr Arrivals::get(const std::string& ticket) const {
    const auto at = incoming_.find(ticket);
    if (ticket.empty() || at == incoming_.end() || at->second->over) {
        throw vim::make_fault<vim::NotFound>("There is no such ticket (any more).");
    }
    return at->second;
}

bool Arrivals::admits(const std::string& ticket) const {
    const auto at = incoming_.find(ticket);
    return at != incoming_.end() && at->second->begun && !at->second->over;
}

Awaitable<vim::DroverMigrationTicket> Arrivals::prepare(vim::DroverMigrationSpec spec,
                                                        vim::DroverMigrationPlacement placement) {
    auto reasons = co_await check(spec, placement);
    if (reasons.size() == 1) throw reasons.front();
    if (!reasons.empty()) {
        auto fault = vim::DroverMigrationRefused::make();
        std::vector<vim::LocalizedMethodFault> all;
        std::string text;
        for (const vim::Fault& reason : reasons) {
            all.push_back(reason.localized());
            text += (text.empty() ? "" : " ") + reason.message();
        }
        fault.set_reason(all);
        throw vim::Fault(fault, text);
    }
    // Somebody may have come with the same machine while the engine was asked.
    std::vector<vim::Fault> again;
    check_duplicates(spec, again);
    if (!again.empty()) throw again.front();
    auto incoming = std::make_shared<Incoming>();
    incoming->ticket = context_.random.hex(32);
    incoming->spec = spec;
    incoming->moves_storage = static_cast<bool>(placement);
    incoming->expires = context_.runtime.clock().wall_now() + kTicketLife;
    // From here on it counts.
    incoming_[incoming->ticket] = incoming;
    std::exception_ptr failure;
    std::vector<vim::DroverMigrationCopy> copies;
    try {
        incoming->id = co_await parts_.machines.next_id();
        if (incoming->moves_storage) {
            incoming->path =
                co_await choose_place(spec, context_.datastores.find(placement.datastore())->name);
        } else {
            incoming->path = *DatastorePath::make(by_uuid(spec.datastoreUuid())->name, spec.path());
        }
        co_await store(store::Batch().put(record_of(*incoming)));
        if (incoming->moves_storage) copies = co_await make_files(incoming);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (incoming->path.is_root()) {
            incoming_.erase(incoming->ticket);
        } else {
            co_await drop(incoming, fault_of(failure).message());
        }
        std::rethrow_exception(failure);
    }
    auto ticket = make_ticket(*incoming);
    ticket.set_copy(copies);
    if (!watching_) context_.runtime.spawn("coming machines", watch());
    co_return ticket;
}

Awaitable<std::optional<std::uint64_t>> Arrivals::begin(std::string ticket) {
    const IncomingPtr incoming = get(ticket);
    if (incoming->begun || incoming->settling) {
        throw vim::make_fault<vim::InvalidState>("The ticket was used already.");
    }
    // Before the first wait: of two who come with one ticket one is refused.
    incoming->begun = true;
    parts_.admission();
    std::optional<std::uint64_t> epoch;
    if (incoming->guarded()) epoch = co_await await_guarded(incoming);
    const auto lease = co_await parts_.handover.read(incoming->path);
    if (!incoming->guarded() && !parts_.handover.is_me(lease.successor)) {
        throw vim::make_fault<vim::InvalidState>("The machine's lease does not name this host.");
    }
    co_await store(store::Batch().put(record_of(*incoming)));
    if (!incoming->runs()) co_return epoch;
    parts_.transport.trust(incoming->ticket, std::string(incoming->spec.sourceCa()));
    co_await context_.runtime.blocking(
        "hypervisor",
        [&engine = context_.hypervisor, uuid = incoming->uuid(),
         name = std::string(incoming->spec.name())] { engine.expect_migration({uuid, name}); },
        kDomainLimit);
    co_return epoch;
}

Awaitable<vim::DroverMigrationArrival> Arrivals::finish(std::string ticket,
                                                        std::optional<Availability::Word> word) {
    for (int i = 0; i < kFinishTries; ++i) {
        if (const auto at = done_.find(ticket); at != done_.end()) co_return at->second.arrival;
        const IncomingPtr incoming = get(ticket);
        if (incoming->guarded() && !word) {
            throw vim::make_fault<vim::InvalidState>(
                "The machine is protected by high availability, and the word is missing by which "
                "it may run here.");
        }
        if (incoming->guarded() && !incoming->finish_asked) co_await let_in(incoming, *word);
        incoming->finish_asked = true;
        co_await settle(incoming);
        if (!done_.contains(ticket)) co_await context_.runtime.sleep(kFinishPause);
    }
    throw vim::make_fault<vim::InvalidState>("The machine has not arrived.");
}

// The source asks before it regards itself as the owner. Once its way to the engine is cut nothing
// more comes: what stands still here by then never ran here.
Awaitable<bool> Arrivals::abort(std::string ticket) {
    if (done_.contains(ticket)) co_return false;
    const auto at = incoming_.find(ticket);
    if (at == incoming_.end()) co_return true;
    const IncomingPtr incoming = at->second;
    parts_.transport.close_ways(ticket);
    co_await settle(incoming);
    if (incoming->over) co_return !done_.contains(ticket);
    if (incoming->runs() && incoming->begun) co_await context_.runtime.sleep(kLastWords);
    co_await settle(incoming);
    if (incoming->over) co_return !done_.contains(ticket);
    co_await settle(incoming, true);
    // One that high availability had let in is looked at as such.
    if (!incoming->over && incoming->guarded()) co_await settle(incoming);
    if (!incoming->over) throw vim::make_fault<vim::HostNotConnected>("It could not be undone.");
    co_return !done_.contains(ticket);
}

}  // namespace drover::host
