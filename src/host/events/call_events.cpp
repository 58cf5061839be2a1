#include <optional>

#include "host/events/event_arguments.hpp"
#include "host/events/host_events.hpp"
#include "host/faults.hpp"

namespace drover::host {

using task::Awaitable;
using task::Call;
using task::Handler;
using vim::Value;

namespace {

template <class Failed>
vim::Event failed_event(const model::ManagedObject& machine, const vim::Fault& failure) {
    auto event = vm_event<Failed>(machine);
    event.set_reason(failure.localized());
    return event;
}

}  // namespace

// While a call runs, what changes on its object is the caller's doing.
void HostEvents::watch(std::string_view method, Direct ended) {
    context_.dispatcher.decorate(method, [&](Handler handler) -> Handler {
        return [this, handler = std::move(handler),
                ended = std::move(ended)](Call call) -> Awaitable<Value> {
            auto& calling = calling_[call.self.id];
            calling.user = call.caller->user;
            ++calling.calls;
            std::optional<vim::Fault> failure;
            std::exception_ptr thrown;
            Value result;
            try {
                result = co_await handler(call);
            } catch (...) {
                thrown = std::current_exception();
                failure = fault_of(thrown);
            }
            const auto found = calling_.find(call.self.id);
            if (--found->second.calls == 0) calling_.erase(found);
            if (ended) ended(call, failure ? &*failure : nullptr);
            if (thrown) std::rethrow_exception(thrown);
            co_return result;
        };
    });
}

void HostEvents::watch_calls() {
    for (const std::string_view method :
         {"UnregisterVM", "RenameDatastore", "MarkAsTemplate", "MarkAsVirtualMachine", "Reload",
          "AnswerVM", "TerminateVM", "CreateResourcePool", "DestroyChildren",
          "CreateLocalDatastore", "RemoveDatastore"}) {
        watch(method, nullptr);
    }
    const auto about_machine = [this](auto done, auto failed) -> Direct {
        return [this, done, failed](const Call& call, const vim::Fault* failure) {
            const auto* machine = context_.inventory.find(call.self);
            if (machine == nullptr) return;
            post(failure ? failed(*machine, *failure) : vim::Event(done(*machine)),
                 {call.caller->user, 0});
        };
    };
    watch("ShutdownGuest", about_machine(vm_event<vim::VmGuestShutdownEvent>,
                                         failed_event<vim::VmFailedToShutdownGuestEvent>));
    watch("StandbyGuest", about_machine(vm_event<vim::VmGuestStandbyEvent>,
                                        failed_event<vim::VmFailedToStandbyGuestEvent>));
    const auto reboot = about_machine(vm_event<vim::VmGuestRebootEvent>,
                                      failed_event<vim::VmFailedToRebootGuestEvent>);
    watch("RebootGuest", [this, reboot](const Call& call, const vim::Fault* failure) {
        if (failure == nullptr) asked_to_reboot_.insert(call.self.id);
        reboot(call, failure);
    });
    const Direct ticket = [this](const Call& call, const vim::Fault* failure) {
        const auto* machine = context_.inventory.find(call.self);
        if (machine == nullptr || failure != nullptr) return;
        post(vm_event<vim::VmAcquiredMksTicketEvent>(*machine), {call.caller->user, 0});
    };
    watch("AcquireTicket", ticket);
    watch("AcquireMksTicket", ticket);
}

}  // namespace drover::host
