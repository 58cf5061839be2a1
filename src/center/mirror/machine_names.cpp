// Paths lead to one machine only: of two machines with one name in a folder, which hosts may well
// bring along, the later is renamed at its host.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/mirror/mirror_impl.hpp"
#include "vim/extensions_types.hpp"
#include "vim/types.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::minutes kAgain{1};

// Numbers of references grow.
bool is_older(const Machine* left, const Machine* right) {
    const auto rank = [](const Machine& machine) {
        return std::pair{machine.ref.id.size(), std::string_view(machine.ref.id)};
    };
    return rank(*left) < rank(*right);
}

std::string key_of(const MoRef& folder, std::string_view name) {
    return fmt::format("{}\n{}", folder.id, name);
}

}  // namespace

void Mirror::Impl::resolve_machine_names() {
    std::erase_if(renaming_, [this](const auto& each) { return each.second <= state.now(); });
    if (!std::exchange(state.names_changed, false)) return;
    std::unordered_map<std::string, Machine*> holders;
    std::vector<Machine*> seconds;
    for (const auto& [_, each] : state.registry.machines()) {
        Machine* machine = each.get();
        if (machine->name.empty()) continue;
        Machine*& holder = holders[key_of(machine->folder, machine->name)];
        if (holder != nullptr && !is_older(holder, machine)) std::swap(holder, machine);
        if (holder != nullptr) seconds.push_back(machine);
        if (holder == nullptr) holder = machine;
    }
    std::ranges::sort(seconds, is_older);
    for (Machine* machine : seconds) {
        std::string name;
        for (int i = 1; name.empty() || holders.contains(key_of(machine->folder, name)); ++i) {
            name = fmt::format("{} ({})", machine->name, i);
        }
        holders[key_of(machine->folder, name)] = machine;
        // The silent ones and those that could not be renamed: another time.
        state.names_changed = true;
        rename_machine(*machine, std::move(name));
    }
}

void Mirror::Impl::rename_machine(Machine& machine, std::string name) {
    HostMirror* host = state.find(machine.host);
    if (host == nullptr || !host->connected || !host->host.link || machine.move) return;
    if (!renaming_.emplace(machine.ref.id, state.now() + kAgain).second) return;
    base::log_info("machine '{}' of {} becomes '{}': another one of its folder has its name",
                   machine.name, host->host.name, name);
    auto event = vim::VmAutoRenameEvent::make();
    auto argument = vim::VmEventArgument::make();
    argument.set_vm(machine.ref);
    argument.set_name(machine.name);
    event.set_vm(argument);
    event.set_oldName(machine.name);
    event.set_newName(name);
    state.context.events.post(event);
    auto request = vim::Rename_TaskRequest::make();
    request.set_newName(name);
    state.context.runtime.spawn(
        "rename of a machine",
        rename_at_host(shared_from_this(), host->host.ref, machine.host_id, request.raw()));
}

Awaitable<void> Mirror::Impl::rename_at_host(std::shared_ptr<Impl> self, MoRef host, std::string id,
                                             vim::Value request) {
    const HostMirror* at = self->state.find(host);
    if (at == nullptr || !at->host.link) co_return;
    co_await at->host.link->call("Rename_Task", {TypeId::VirtualMachine, id}, request);
}

}  // namespace drover::center
