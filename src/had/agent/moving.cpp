// Machines that move between hosts: what the host agents and the protocol say to each other of it.
//
// On the source the engine sends the machine, leaves it standing still over there, and ends the
// process here; as long as there is one, the machine has not been given away. The keeper says
// whether the process had run again after all was sent. Only when it had not, and is over with all
// its threads, the word goes out by which the target may let the machine run.

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "had/agent/driver.hpp"
#include "had/boot_clock.hpp"

namespace drover::had {

namespace {

using Json = nlohmann::ordered_json;

// The engine has ended the process when it says that it has gone; the kernel may need a moment.
constexpr ha::Duration kEndLimit = std::chrono::seconds{5};

bool is_over(const SharedMachine& machine) {
    if (!machine.is_guarded) return true;
    return machine.guarded.state == ha::Guard::killed && !machine.guarded.process;
}

}  // namespace

void Driver::take_move(const HostMessage& message, ha::MachineId machine) {
    using Kind = HostMessage::Kind;
    const auto host = names_->host(message.host).value_or(ha::kNoHost);
    switch (message.kind) {
        case Kind::migrate_in:
            step(ha::MigrateIn{machine, {host, 0}});
            break;
        case Kind::migrate_out:
            step(ha::MigrateOut{machine, {host, message.epoch}});
            break;
        case Kind::migrated:
            moves_[machine] = boot_now() + kEndLimit;
            look_at_moves();
            break;
        case Kind::migration_failed:
            call_off(machine);
            break;
        case Kind::handed_over:
            step(ha::HandedOver{machine,
                                message.generation,
                                {agent_.self().host, message.epoch},
                                {host, message.host_epoch}});
            // Said before, perhaps, and the answer was not heard.
            call_off(machine);
            break;
        case Kind::declined:
            step(ha::Declined{machine, message.generation});
            break;
        default:
            break;
    }
}

// What the keeper has seen comes before anything is judged: a machine that has moved has not
// crashed.
void Driver::tell_moved(SharedImage& image, ha::Time now, std::vector<ha::Action>& actions) {
    for (std::uint32_t number = 0; number < image.count; ++number) {
        auto& machine = image.machines[number];
        if (!machine.has_moved || !is_over(machine)) continue;
        machine.has_moved = false;
        const ha::SwitchoverReady ready{ha::MachineId{number}, machine.guarded.generation};
        auto more = agent_.step(ready, now);
        std::ranges::move(more, std::back_inserter(actions));
    }
}

// Here it stays and runs on, whatever has stopped it for the move; or nothing of it comes here any
// more: "refused" is a promise that it has not run here. One that has come and been let go is here,
// even if it has ended since.
void Driver::call_off(ha::MachineId machine) {
    ha::Generation generation = 0;
    {
        auto transaction = shared_.begin();
        if (!transaction) return;
        generation = transaction->image().machines[ha::index_of(machine)].guarded.generation;
    }
    step(ha::MigrationFailed{machine, generation});
    auto transaction = shared_.begin();
    if (!transaction) return;
    auto& each = transaction->image().machines[ha::index_of(machine)];
    const auto state = each.guarded.state;
    const bool has_run = state != ha::Guard::prepared && state != ha::Guard::killed;
    const bool is_here = each.is_guarded && (has_run || each.guarded.successor);
    if (is_here && state == ha::Guard::running && !each.guarded.successor) {
        each.runs = each.ends_migration = true;
    }
    const auto now_at = is_here ? each.guarded.generation : generation;
    transaction->commit();
    wake_fencer();
    tell(is_here ? "running" : "refused", machine, now_at);
}

void Driver::look_at_moves() {
    for (auto at = moves_.begin(); at != moves_.end();) {
        const bool is_answered = answer_moved(at->first, boot_now() >= at->second);
        at = is_answered ? moves_.erase(at) : std::next(at);
    }
}

bool Driver::answer_moved(ha::MachineId machine, bool is_late) {
    bool is_gone = false;
    if (auto transaction = shared_.begin()) {
        is_gone = is_over(transaction->image().machines[ha::index_of(machine)]);
    }
    if (!is_gone && !is_late) return false;
    if (is_gone) step(ha::Tick{});  // the word goes out, if there is one
    if (const auto word = given_.find(machine); is_gone && word != given_.end()) {
        host_.send(word->second);
    } else {
        tell("kept", machine, 0);
    }
    return true;
}

bool Driver::perform_move(const ha::Action& action) {
    if (const auto* offer = std::get_if<ha::OfferIncoming>(&action)) {
        given_.erase(offer->machine);
        host_.send(Json{{"tell", "incoming"},
                        {"machine", names_->uuid_of(offer->machine)},
                        {"epoch", offer->self.epoch}}
                       .dump());
    } else if (const auto* begin = std::get_if<ha::BeginMigration>(&action)) {
        tell("migrate", begin->machine, begin->generation);
    } else if (const auto* cancel = std::get_if<ha::CancelMigration>(&action)) {
        tell("cancel", cancel->machine, cancel->generation);
    } else if (const auto* give = std::get_if<ha::HandOver>(&action)) {
        given_[give->machine] = Json{
            {"tell", "hand_over"},
            {"machine", names_->uuid_of(give->machine)},
            {"generation", give->generation},
            {"owner_epoch", give->self.epoch},
            {"successor_epoch",
             give->to.epoch}}.dump();
    } else if (const auto* no = std::get_if<ha::Decline>(&action)) {
        tell("decline", no->machine, no->generation);
    } else {
        return false;
    }
    return true;
}

}  // namespace drover::had
