#include "host/availability/availability.hpp"

#include <fmt/format.h>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/availability/wait.hpp"
#include "host/datastores.hpp"
#include "host/faults.hpp"

namespace drover::host {

namespace asio = boost::asio;
using nlohmann::json;
using task::Awaitable;

namespace {

constexpr int kProtocolVersion = 1;
constexpr std::size_t kLongestLine = 1 << 20;
constexpr std::chrono::milliseconds kEndLook{100};
constexpr std::chrono::milliseconds kAgain{500};
constexpr std::chrono::seconds kLeaseLimit{30};
constexpr std::chrono::seconds kRunLimit{20};
constexpr std::chrono::seconds kOffLimit{30};
constexpr std::chrono::seconds kGuestLimit{60};
constexpr int kEndLooks = 50;
constexpr std::chrono::seconds kSettleLimit{5};
constexpr std::chrono::seconds kAdoptLimit{4};
constexpr double kLongestAgo_s = 1e6;

std::string text_of(const json& object, const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& object, const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::set<std::string> texts_of(const json& object, const char* field) {
    std::set<std::string> texts;
    const auto found = object.find(field);
    if (found == object.end() || !found->is_array()) return texts;
    for (const auto& each : *found) {
        if (each.is_string()) texts.insert(each.get<std::string>());
    }
    return texts;
}

}  // namespace

namespace {

bool has_metadata(const Machine& machine, std::string_view key) {
    return machine.domain && machine.domain->metadata &&
           machine.domain->metadata->contains(std::string(key));
}

}  // namespace

bool is_guarded(const Machine& machine) {
    return has_metadata(machine, kMetadataMonitor);
}

bool has_spare_monitor(const Machine& machine) {
    return has_metadata(machine, kMetadataSpareMonitor) && !is_guarded(machine);
}

void require_not_guarded(const Machine& machine, std::string_view doing) {
    if (!is_guarded(machine)) return;
    throw vim::make_fault<vim::NotSupported>(fmt::format(
        "The machine is protected by high availability: {} is possible when it is powered off.",
        doing));
}

std::filesystem::path protection_file(const Config& config) {
    return config.state_directory / "availability.json";
}

bool is_protected_host(const Config& config) {
    std::error_code error;
    return !config.ha_socket.empty() || std::filesystem::exists(protection_file(config), error);
}

Availability::Availability(const HostContext& context, Machines& machines)
    : context_(context),
      machines_(machines),
      is_configured_(std::filesystem::exists(protection_file(context.config))) {}

void Availability::start(Actions actions) {
    actions_ = std::move(actions);
    if (has_nobody()) return;
    context_.runtime.spawn("high availability", stay_connected());
    context_.runtime.spawn("high availability", tell_what_it_takes());
}

bool Availability::protects(const Machine& machine) const {
    return protected_.contains(machine.uuid().value());
}

bool Availability::keeps(const Machine& machine) const {
    if (!is_greeted_) return is_configured();
    return protects(machine) || guarded_.contains(machine.uuid().value());
}

// What only seems to run is nobody's to guard.
bool Availability::has_nobody() const {
    return context_.config.ha_socket.empty() && context_.config.simulation;
}

Awaitable<void> Availability::settle(MachinePtr machine) {
    if (has_nobody()) co_return;
    // Not yet, or where it was before it moved to another datastore.
    const auto is_missing = [this, machine] {
        const auto found = expected_.find(machine->uuid().value());
        return found != expected_.end() &&
               (!protects(*machine) || catalogue_ < found->second.since);
    };
    for (std::chrono::milliseconds waited{0}; is_missing() && waited < kSettleLimit;
         waited += Wait::kLook) {
        co_await context_.runtime.sleep(Wait::kLook);
    }
    if (!is_missing()) co_return;
    base::log_warning("machine {} is to be protected, and drover-had does not say that it is",
                      machine->id.value());
}

void Availability::expect(const std::map<std::string, std::uint64_t>& places,
                          std::uint64_t version) {
    std::map<std::string, Expected> now;
    for (const auto& [uuid, place] : places) {
        const auto before = expected_.find(uuid);
        const bool is_same = before != expected_.end() && before->second.place == place;
        now[uuid] = {place, is_same ? before->second.since : version};
    }
    expected_ = std::move(now);
}

std::string Availability::monitor_of(const Machine& machine) const {
    return monitor_of(machine.uuid().value());
}

Awaitable<void> Availability::stay_connected() {
    while (true) {
        try {
            co_await listen();
        } catch (const std::exception& error) {
            if (is_greeted_) base::log_warning("drover-had is gone: {}", error.what());
        }
        is_greeted_ = false;
        said_takes_.reset();
        socket_.reset();
        co_await context_.runtime.sleep(kAgain);
    }
}

Awaitable<void> Availability::listen() {
    socket_.emplace(context_.runtime.strand());
    const auto& configured = context_.config.ha_socket;
    co_await socket_->async_connect({configured.empty() ? std::string(kDefaultSocket) : configured},
                                    asio::use_awaitable);
    // A peer that hangs must not hold up the strand: it is then as if it were gone.
    socket_->non_blocking(true);
    send("hello", {}, 0, false);
    std::string buffer;
    while (true) {
        const auto length = co_await asio::async_read_until(
            *socket_, asio::dynamic_buffer(buffer, kLongestLine), '\n', asio::use_awaitable);
        take(buffer.substr(0, length));
        buffer.erase(0, length);
    }
}

// A few bytes: they fit the socket's buffer, or the other end does not read.
void Availability::send(const std::string& what, const std::string& uuid, std::uint64_t generation,
                        bool done) {
    if (!socket_) return;
    json message{{"do", what}};
    if (what == "hello") message["version"] = kProtocolVersion;
    if (!uuid.empty()) message["machine"] = uuid;
    if (generation != 0) message["generation"] = generation;
    message["done"] = done;
    send_json(message.dump());
}

void Availability::send_json(const std::string& line) {
    if (!socket_) return;
    boost::system::error_code error;
    asio::write(*socket_, asio::buffer(line + "\n"), error);
    if (error) socket_->close(error);
}

void Availability::take(const std::string& line) {
    const auto message = json::parse(line, nullptr, false);
    if (!message.is_object()) throw std::runtime_error("it says what is no message");
    const std::string what = text_of(message, "tell");
    if (what == "hello") return greet(line);
    const std::string uuid = text_of(message, "machine");
    const auto generation = number_of(message, "generation");
    if (what == "launch") {
        return launch(
            uuid, fmt::format("[{}] {}", text_of(message, "datastore"), text_of(message, "path")),
            generation);
    }
    if (what == "shut_down") {
        if (const auto machine = machines_.find_by_uuid(hypervisor::DomainUuid(uuid))) {
            context_.runtime.spawn("machine " + machine->id.value(), shut_down(machine));
        }
        return;
    }
    if (what == "cancel") {
        context_.runtime.spawn("cancel migration", cancel_migration(uuid));
        return;
    }
    const auto found = heard_.find(uuid);
    if (what == "note") {
        return take_note({text_of(message, "what"), text_of(message, "text"),
                          text_of(message, "why"), uuid,
                          static_cast<double>(number_of(message, "ago_ms")) * 1e-3});
    }
    if (found == heard_.end()) return;
    found->second.runs |= what == "running";
    if (what == "running") found->second.runs_by = generation;
    found->second.off |= what == "off";
    found->second.lost |= what == "lost";
    take_move(line, found->second);
}

void Availability::take_note(const TimelineNote& note) {
    const bool is_asked_for = heard_.contains(note.machine) && !restarting_.contains(note.machine);
    post_note(context_, machines_, note, is_asked_for);
    const auto ago = std::chrono::duration_cast<base::SteadyTime::duration>(
        std::chrono::duration<double>(std::min(note.ago_s, kLongestAgo_s)));
    const auto then = context_.runtime.clock().steady_now() - ago;
    if (note.what == "permit_lost") permit_lost_ = then;
    if (note.what != "resumed" || !permit_lost_) return;
    actions_.storage_is_back(note.machine,
                             std::chrono::duration_cast<ha::Duration>(then - *permit_lost_));
}

void Availability::greet(const std::string& line) {
    const auto message = json::parse(line, nullptr, false);
    if (number_of(message, "version") != kProtocolVersion) {
        throw std::runtime_error("it speaks another version");
    }
    monitors_ = text_of(message, "monitors");
    protected_ = texts_of(message, "machines");
    guarded_ = texts_of(message, "guarded");
    catalogue_ = number_of(message, "catalogue");
    is_greeted_ = true;
    base::log_info("drover-had protects {} machines", protected_.size());
}

Awaitable<void> Availability::tell_what_it_takes() {
    while (true) {
        if (is_greeted_) {
            const bool takes = actions_.takes();
            if (said_takes_ != takes) send("takes", {}, 0, takes);
            said_takes_ = takes;
        }
        co_await context_.runtime.sleep(kAgain);
    }
}

void Availability::launch(const std::string& uuid, const std::string& path,
                          std::uint64_t generation) {
    const auto found = heard_.find(uuid);
    if (found != heard_.end() && found->second.asks_for_launch) {
        found->second.launch = generation;
        return;
    }
    context_.runtime.spawn("restart of " + path, start_unasked(uuid, path, generation));
}

// A registration that is left from when the machine lay on another datastore goes, but not before
// there is a file where the machine is to be.
Awaitable<MachinePtr> Availability::registered_at(MachinePtr known, std::string path) {
    const auto place = Datastores::parse_path(path);
    if (known && known->path == place) co_return known;
    if (known) {
        co_await machines_.read_file(place);
        co_await wait_for_end(known);
        known->domain.reset();
        co_await actions_.forget(known);
    }
    co_return co_await actions_.adopt(path);
}

// Another host has died, or the machine has crashed here.
Awaitable<void> Availability::start_unasked(std::string uuid, std::string path,
                                            std::uint64_t generation) {
    std::exception_ptr failure;
    restarting_.insert(uuid);
    MachinePtr machine = machines_.find_by_uuid(hypervisor::DomainUuid(uuid));
    try {
        // Its last end may still be looked at here.
        for (int i = 0; machine && machine->busy && i < 100; ++i) {
            co_await context_.runtime.sleep(kEndLook);
        }
        machine = co_await registered_at(machine, path);
        const Exclusive exclusive(machine, {});
        co_await wait_for_end(machine);
        machine->domain.reset();
        co_await actions_.start(machine, generation);
        base::log_info("machine {} was restarted by high availability", machine->id.value());
    } catch (...) {
        failure = std::current_exception();
    }
    restarting_.erase(uuid);
    if (!failure) co_return;
    base::log_error("{} can't be restarted here: {}", path, fault_of(failure).message());
    if (machine) post_failover_failed(context_, *machine, fault_of(failure));
    send("launched", uuid, generation, false);
}

// Of a machine that crashed here the engine may not have heard yet.
Awaitable<void> Availability::wait_for_end(MachinePtr machine) {
    for (int i = 0; i < kEndLooks; ++i) {
        const auto domain = co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&hypervisor = context_.hypervisor, uuid = machine->uuid()] {
                return hypervisor.find(uuid);
            },
            kGuestLimit);
        if (!domain) co_return;
        co_await context_.runtime.sleep(kEndLook);
    }
}

Awaitable<void> Availability::shut_down(MachinePtr machine) {
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, uuid = machine->uuid()] {
            hypervisor.shutdown(uuid, hypervisor::GuestRequest::any);
        },
        kGuestLimit);
}

void Availability::require_connected() const {
    if (is_greeted_) return;
    throw vim::make_fault<vim::InvalidState>(
        "The machine is protected by high availability, and drover-had does not answer.");
}

Awaitable<std::uint64_t> Availability::ask_for(MachinePtr machine) {
    require_connected();
    Wait wait(*this, machine->uuid().value());
    const std::string uuid = machine->uuid().value();
    heard_[uuid].asks_for_launch = true;
    send("power_on", uuid, 0, true);
    const bool got = co_await wait.until(
        [](const Heard& heard) { return heard.launch.has_value(); }, kLeaseLimit);
    if (!got) {
        throw vim::make_fault<vim::InvalidState>(
            "High availability did not get the machine's lease: this host has no permit to run "
            "machines, or another host has this one.");
    }
    co_return *heard_[uuid].launch;
}

Awaitable<void> Availability::let_go(MachinePtr machine, std::uint64_t generation) {
    Wait wait(*this, machine->uuid().value());
    send("launched", machine->uuid().value(), generation, true);
    const bool runs = co_await wait.until([](const Heard& heard) { return heard.runs; }, kRunLimit);
    if (!runs) {
        throw vim::make_fault<vim::InvalidState>(
            "High availability did not let the machine run: this host has lost its permit.");
    }
}

std::optional<std::string> Availability::spare_monitor_of(std::string_view uuid) const {
    if (has_nobody()) return std::nullopt;
    const auto& configured = context_.config.ha_socket;
    const auto directory =
        std::filesystem::path(configured.empty() ? kDefaultSocket : configured).parent_path() /
        "monitors";
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) return std::nullopt;
    return fmt::format("{}/{}.free", directory.string(), uuid);
}

Awaitable<std::optional<std::uint64_t>> Availability::adopt(MachinePtr machine) {
    Wait wait(*this, machine->uuid().value());
    send("adopt", machine->uuid().value(), machine->lease_generation, true);
    const bool runs =
        co_await wait.until([](const Heard& heard) { return heard.runs; }, kAdoptLimit);
    if (!runs) co_return std::nullopt;
    co_return wait.heard().runs_by;
}

void Availability::start_failed(const Machine& machine, std::uint64_t generation) {
    send("launched", machine.uuid().value(), generation, false);
}

Awaitable<void> Availability::power_off(MachinePtr machine) {
    require_connected();
    Wait wait(*this, machine->uuid().value());
    send("power_off", machine->uuid().value(), 0, true);
    const bool is_off =
        co_await wait.until([](const Heard& heard) { return heard.off; }, kOffLimit);
    if (!is_off) {
        throw vim::make_fault<vim::InvalidState>(
            "The machine was ended, but its lease could not be given back yet: high availability "
            "goes on trying.");
    }
}

void Availability::expect_end(const Machine& machine, bool ends) {
    if (is_guarded(machine)) send("ends", machine.uuid().value(), 0, ends);
}

Awaitable<void> Availability::go_on(MachinePtr machine) {
    co_await wait_until_greeted();
    send("go_on", machine->uuid().value(), 0, true);
}

void Availability::guest_ready(const Machine& machine) {
    if (is_guarded(machine)) send("ready", machine.uuid().value(), 0, true);
}

}  // namespace drover::host
