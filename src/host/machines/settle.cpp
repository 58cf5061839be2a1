// What one machine has to be brought to when it is compared with the hypervisor.

#include <algorithm>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/machines/live_devices.hpp"
#include "host/machines/reconciler.hpp"
#include "host/machines/suspended.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kDestroyLimit{180};

// As its directory was when it was read last.
bool has_suspend_file(const Machine& machine) {
    const std::string name = suspend_file(machine.path).to_string();
    return std::ranges::any_of(machine.files, [&](const auto& file) { return file.name == name; });
}

vim::ElementDescription choice(std::string_view key, std::string_view label) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

}  // namespace

// Makes the machine what it is by now. Whether something may have changed that others see.
Awaitable<bool> Reconciler::settle(MachinePtr machine, Seen seen) {
    const bool was_running = machine->domain.has_value();
    const bool runs = seen.domain && seen.domain->state != hypervisor::DomainState::stopped;
    machine->domain = runs ? seen.domain : std::nullopt;
    // What was shown while the host was starting was shown before everything was served.
    bool changed = runs || was_running || machine->question || seen.just_read;
    try {
        if (!runs) {
            changed |= co_await settle_stopped(machine, std::move(seen));
        } else if (!was_running) {
            if (!machine->boot_time) machine->boot_time = context_.runtime.clock().wall_now();
            co_await settle_running(machine, std::move(seen));
        }
    } catch (...) {
        // Its power is known all the same; the rest is tried again at the next comparison.
        base::log_warning("machine {}: {}", machine->id.value(),
                          fault_of(std::current_exception()).message());
        changed = true;
    }
    // An operation may have begun meanwhile, or have ended already.
    if (machine->domain && machine->domain->paused_reason == hypervisor::PausedReason::io_error) {
        set_question(*machine);
    } else {
        machine->question = {};
    }
    co_return changed;
}

// Found running: a power-on that was cut off, or a machine that ran on while we were away. An
// earlier comparison may have come before libvirt had begun and given the lease back: it is taken
// once more.
Awaitable<void> Reconciler::settle_running(MachinePtr machine, Seen seen) {
    if (!machine->is_usable()) co_return;
    if (!seen.lease_is_ours) seen.lease_is_ours = co_await leases_.is_ours(machine);
    if (!*seen.lease_is_ours && co_await leases_.is_anothers(machine)) {
        co_await end_stray(machine);
        co_return;
    }
    if (!*seen.lease_is_ours) {
        base::log_warning("machine {} runs without a lease, taking it", machine->id.value());
        co_await leases_.acquire(machine);
    }
    if (machine->busy || !machine->domain) co_return;
    machine->connected = connected_at_start(machine->config);
    if (seen.just_read) {
        machines_.derive_again(*machine);
    } else {
        co_await machines_.load(machine);
    }
    if (machine->busy || !machine->domain) co_return;
    if (machine->suspended) {
        base::log_info("machine {}: its resume was cut off, finishing it", machine->id.value());
        const Exclusive exclusive(machine, {});
        co_await finish_resume(context_, machines_, machine);
    } else if (machine->domain->state == hypervisor::DomainState::running &&
               has_suspend_file(*machine)) {
        // A suspend that was cut off before the hypervisor heard of it has left an image without
        // contents. One that is being written belongs to a paused domain.
        const Exclusive exclusive(machine, {});
        co_await remove_suspend_file(context_, machine->path);
        std::erase_if(machine->files, [&](const machine::MachineFile& file) {
            return file.name == suspend_file(machine->path).to_string();
        });
    }
}

// Another host has the machine: what runs here is left over (from a migration whose end this host
// did not see, or from before it was cut off from its datastore) and must not go on.
Awaitable<void> Reconciler::end_stray(MachinePtr machine) {
    if (machine->busy) co_return;
    base::log_error("machine {} runs here, but it is another host's: its domain is ended",
                    machine->id.value());
    const Exclusive exclusive(machine, {});
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [this, uuid = machine->uuid()] { context_.hypervisor.destroy(uuid); }, kDestroyLimit);
    machine->domain.reset();
    machine->boot_time.reset();
}

// The machine does not run. If its lease is still ours it did until lately: what was cut off is
// finished, then the lease is given back. Whether there was something to finish.
Awaitable<bool> Reconciler::settle_stopped(MachinePtr machine, Seen seen) {
    machine->boot_time.reset();
    machine->guest.reset();
    if (!machine->is_usable() || machine->is_template) co_return false;
    if (!seen.lease_is_ours) seen.lease_is_ours = co_await leases_.is_ours(machine);
    if (!*seen.lease_is_ours) co_return false;
    // An operation that has come in the meantime has taken the lease for itself.
    if (machine->busy || machine->domain) co_return true;
    const std::uint64_t generation = machine->lease_generation;
    co_await settle_suspend(machine);
    co_await leases_.release_at(machine, generation);
    co_return true;
}

// Image and file must agree: a complete image without a word in the file is a suspend that was cut
// off at its end, an incomplete one was cut off before; a file without an image was to be
// forgotten.
Awaitable<void> Reconciler::settle_suspend(MachinePtr machine) {
    enum class Image { none, incomplete, complete };
    const auto path = suspend_file(machine->path);
    const Image image = co_await context_.datastores.run(
        context_.datastores.of_path(machine->path), [this, path](storage::Datastore& store) {
            try {
                store.blobs().stat(path);
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
                return Image::none;
            }
            return context_.hypervisor.is_save_image_complete(store.host_path(path).string())
                       ? Image::complete
                       : Image::incomplete;
        });
    if (machine->busy || image == (machine->suspended ? Image::complete : Image::none)) co_return;
    const Exclusive exclusive(machine, {});
    if (image == Image::complete) {
        base::log_info("machine {}: its suspend is complete", machine->id.value());
        vmx::VmxFile file = machine->file;
        file.set(kSuspendKey, path.file_name());
        co_await machines_.store_file(machine, std::move(file));
        co_await machines_.load(machine);
    } else {
        base::log_warning("machine {}: it has no complete memory to resume from, it is off",
                          machine->id.value());
        co_await forget_suspend(context_, machines_, machine);
    }
}

void Reconciler::set_question(Machine& machine) {
    if (machine.question) return;
    const bool no_space = machine.domain->io_error == hypervisor::IoErrorReason::no_space;
    const std::string text =
        no_space
            ? "There is no more space for the machine's disk on its datastore. Free some space, "
              "then choose Retry to continue."
            : "The machine's disk could not be read or written. When the storage is back, choose "
              "Retry to continue.";
    auto options = vim::ChoiceOption::make();
    options.set_choiceInfo({choice(kAnswerRetry, "Retry"), choice(kAnswerPowerOff, "Power off")});
    options.set_defaultIndex(0);
    auto message = vim::VirtualMachineMessage::make();
    message.set_id(no_space ? "msg.hbacommon.outofspace" : "msg.hbacommon.askonioerror");
    message.set_text(text);
    auto question = vim::VirtualMachineQuestionInfo::make();
    question.set_id(std::to_string(next_question_++));
    question.set_text(text);
    question.set_choice(options);
    question.set_message({message});
    machine.question = question;
}

}  // namespace drover::host
