#include "center/migration/move_events.hpp"

#include <fmt/format.h>

#include "center/faults.hpp"
#include "vim/drs_types.hpp"
#include "vim/hosts_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;

namespace {

std::string name_of(const CenterContext& context, const MoRef& entity) {
    const auto* object = context.inventory.find(entity);
    if (object == nullptr) return entity.id;
    const vim::Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : entity.id;
}

vim::HostEventArgument host_argument(const CenterContext& context, const MoRef& host) {
    auto argument = vim::HostEventArgument::make();
    argument.set_host(host);
    argument.set_name(name_of(context, host));
    return argument;
}

}  // namespace

MoveStory::MoveStory(const MigrationParts& parts, const MoRef& machine, const MoRef& from,
                     const MoRef& to, std::string user, std::string drs_reason)
    : context_(parts.context),
      machine_(vim::VmEventArgument::make()),
      from_(host_argument(parts.context, from)),
      to_(host_argument(parts.context, to)),
      user_(std::move(user)),
      drs_reason_(std::move(drs_reason)) {
    machine_.set_vm(machine);
    machine_.set_name(name_of(context_, machine));
    auto begun = event<vim::VmBeingMigratedEvent>();
    begun.set_host(from_);
    begun.set_destHost(to_);
    chain_ = context_.events.post(begun, user_);
}

template <class Event>
Event MoveStory::event() const {
    auto made = Event::make();
    made.set_vm(machine_);
    if (chain_ != 0) made.set_chainId(chain_);
    return made;
}

void MoveStory::moved() const {
    if (!drs_reason_.empty()) {
        auto ended = event<vim::DrsVmMigratedEvent>();
        ended.set_host(to_);
        ended.set_sourceHost(from_);
        ended.set_fullFormattedMessage(fmt::format("DRS migrated {} from {} to {}: {}",
                                                   machine_.name(), from_.name(), to_.name(),
                                                   drs_reason_));
        context_.events.post(ended, user_);
        return;
    }
    auto ended = event<vim::VmMigratedEvent>();
    ended.set_host(to_);
    ended.set_sourceHost(from_);
    context_.events.post(ended, user_);
}

void MoveStory::failed(const std::exception_ptr& reason) const {
    auto ended = event<vim::VmFailedMigrateEvent>();
    ended.set_host(from_);
    ended.set_destHost(to_);
    ended.set_reason(fault_of(reason).localized());
    context_.events.post(ended, user_);
}

}  // namespace drover::center
