// Live migration of machines that high availability guards: this host's word with drover-had, at
// the source and at the target.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "host/availability/wait.hpp"
#include "host/faults.hpp"

namespace drover::host {

using nlohmann::json;
using task::Awaitable;

namespace {

constexpr std::chrono::milliseconds kQuickLook{2};
constexpr std::chrono::milliseconds kAgain{500};
constexpr std::chrono::seconds kGreetingLimit{15};
constexpr std::chrono::seconds kRoomLimit{8};
constexpr std::chrono::seconds kOfferLimit{10};
constexpr std::chrono::seconds kAnswerLimit{8};
constexpr std::chrono::seconds kCancelLimit{30};

std::optional<std::uint64_t> number_of(const json& object, const char* field) {
    const auto found = object.find(field);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
}

vim::Fault no_answer() {
    return vim::make_fault<vim::HostNotConnected>(
        "The machine is protected by high availability, and drover-had does not answer.");
}

}  // namespace

void Availability::take_move(const std::string& line, Heard& heard) {
    const auto message = json::parse(line, nullptr, false);
    const auto what = message.value("tell", "");
    if (what == "incoming") heard.awaited_in = number_of(message, "epoch");
    if (what == "migrate") heard.offered_at = number_of(message, "generation");
    heard.kept |= what == "kept";
    heard.refused |= what == "refused";
    if (what != "hand_over") return;
    heard.word = Word{number_of(message, "generation").value_or(0),
                      number_of(message, "owner_epoch").value_or(0),
                      number_of(message, "successor_epoch").value_or(0)};
}

std::string Availability::monitor_of(std::string_view uuid) const {
    return fmt::format("{}/{}.qmp", monitors_, uuid);
}

void Availability::require_guards(std::string_view uuid) const {
    if (is_greeted_ && protected_.contains(std::string(uuid))) return;
    throw vim::make_fault<vim::NotSupported>(
        is_greeted_ ? "The machine is protected by high availability, and this host does not "
                      "protect it."
                    : "The machine is protected by high availability, and drover-had does not "
                      "answer on this host.");
}

// After a start of this daemon both may just be about to meet.
Awaitable<void> Availability::wait_until_greeted() {
    for (std::chrono::milliseconds waited{0}; !is_greeted_ && waited < kGreetingLimit;) {
        co_await context_.runtime.sleep(kAgain);
        waited += kAgain;
    }
    if (!is_greeted_) throw no_answer();
}

void Availability::still_expects(const std::string& uuid, const std::string& source) {
    send_json(json{{"do", "migrate_in"}, {"machine", uuid}, {"host", source}}.dump());
}

Awaitable<std::uint64_t> Availability::expect(std::string uuid, std::string source) {
    require_guards(uuid);
    Wait wait(*this, uuid);
    // The agent may not have read the machine's lease of late: then it has to be asked again.
    for (std::chrono::milliseconds waited{0}; waited < kRoomLimit; waited += kAgain) {
        still_expects(uuid, source);
        const auto is_awaited = [](const Heard& heard) { return heard.awaited_in.has_value(); };
        if (co_await wait.until(is_awaited, kAgain)) co_return *wait.heard().awaited_in;
    }
    throw vim::make_fault<vim::InvalidState>(
        "High availability did not make room for the machine on this host: it has no permit to run "
        "machines, or has an older process of it.");
}

Awaitable<bool> Availability::let_in(std::string uuid, std::string source, Word word) {
    co_await wait_until_greeted();
    Wait wait(*this, uuid);
    send_json(json{{"do", "handed_over"},
                   {"machine", uuid},
                   {"host", source},
                   {"generation", word.generation},
                   {"host_epoch", word.owner_epoch},
                   {"epoch", word.successor_epoch}}
                  .dump());
    const auto is_known = [](const Heard& heard) { return heard.runs || heard.refused; };
    if (!co_await wait.until(is_known, kAnswerLimit, kQuickLook)) throw no_answer();
    co_return wait.heard().runs;
}

Awaitable<bool> Availability::call_off(std::string uuid) {
    co_await wait_until_greeted();
    Wait wait(*this, uuid);
    send("migration_failed", uuid, 0, false);
    const auto is_known = [](const Heard& heard) { return heard.runs || heard.refused; };
    if (!co_await wait.until(is_known, kAnswerLimit)) throw no_answer();
    co_return wait.heard().runs;
}

Awaitable<std::uint64_t> Availability::offer(MachinePtr machine, std::string target,
                                             std::uint64_t epoch) {
    const std::string uuid = machine->uuid().value();
    require_guards(uuid);
    Wait wait(*this, uuid);
    send_json(
        json{{"do", "migrate_out"}, {"machine", uuid}, {"host", target}, {"epoch", epoch}}.dump());
    const auto is_offered = [](const Heard& heard) { return heard.offered_at || heard.lost; };
    co_await wait.until(is_offered, kOfferLimit);
    if (const auto generation = wait.heard().offered_at) co_return *generation;
    throw vim::make_fault<vim::InvalidState>(
        "High availability did not offer the machine to the other host: this host has no permit to "
        "run machines just now, or is about to end the machine.");
}

Awaitable<std::optional<Availability::Word>> Availability::give(std::string uuid) {
    co_await wait_until_greeted();
    Wait wait(*this, uuid);
    send("migrated", uuid, 0, true);
    const auto is_known = [](const Heard& heard) { return heard.word || heard.kept; };
    if (!co_await wait.until(is_known, kAnswerLimit, kQuickLook)) throw no_answer();
    co_return wait.heard().word;
}

// Its target is over: who waits for the engine hears of it.
Awaitable<void> Availability::cancel_migration(std::string uuid) {
    co_await context_.runtime.blocking(
        "migration of " + uuid,
        [&engine = context_.hypervisor, domain = hypervisor::DomainUuid(uuid)] {
            engine.cancel_migration(domain);
        },
        kCancelLimit);
}

void Availability::declined(const std::string& uuid, std::uint64_t generation) {
    send("declined", uuid, generation, true);
}

}  // namespace drover::host
