#include "host/machines/disabled_methods.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <string_view>

namespace drover::host {
namespace {

using Names = std::initializer_list<std::string_view>;

constexpr Names kWhileOn{"PowerOnVM_Task", "MarkAsTemplate", "MarkAsVirtualMachine", "UnregisterVM",
                         "Destroy_Task",   "UpgradeVM_Task", "ResetGuestInformation"};
constexpr Names kWhileOff{"AcquireMksTicket", "AcquireTicket", "CreateScreenshot_Task",
                          "PutUsbScanCodes",  "RebootGuest",   "ResetVM_Task",
                          "SendNMI",          "ShutdownGuest", "StandbyGuest",
                          "SuspendVM_Task",   "TerminateVM"};
constexpr Names kWithoutMemory{"PowerOffVM_Task"};
constexpr Names kWhileSuspended{"MarkAsTemplate", "MarkAsVirtualMachine", "UpgradeVM_Task",
                                "ResetGuestInformation"};
constexpr Names kOfTemplate{"PowerOnVM_Task", "MarkAsTemplate"};

std::vector<std::string_view> names_of(const Machine& machine) {
    std::vector<std::string_view> names;
    const auto add = [&](Names more) { names.insert(names.end(), more.begin(), more.end()); };
    if (!machine.question) names.emplace_back("AnswerVM");
    if (machine.domain) {
        add(kWhileOn);
        return names;
    }
    add(kWhileOff);
    add(machine.suspended ? kWhileSuspended : kWithoutMemory);
    if (machine.is_template) {
        add(kOfTemplate);
    } else if (!machine.suspended) {
        names.emplace_back("MarkAsVirtualMachine");
    }
    return names;
}

}  // namespace

vim::Value disabled_methods(const Machine& machine, const task::Dispatcher& dispatcher) {
    // One value for each combination of what names_of() looks at; on the strand alone. While the
    // host is starting not everything is served yet: then nothing is kept.
    static std::map<std::array<bool, 4>, vim::Value> known;
    const std::array<bool, 4> state{static_cast<bool>(machine.question), machine.domain.has_value(),
                                    machine.suspended, machine.is_template};
    const bool is_serving = dispatcher.serves(*vim::find_method("AnswerVM"));
    if (const auto found = known.find(state); is_serving && found != known.end()) {
        return found->second;
    }
    auto names = names_of(machine);
    if (is_serving) {
        for (const auto& method : vim::describe(vim::TypeId::VirtualMachine).own_methods()) {
            if (!dispatcher.serves(method)) names.push_back(method.name());
        }
    }
    std::ranges::sort(names);
    const auto twice = std::ranges::unique(names);
    names.erase(twice.begin(), twice.end());
    std::vector<vim::Value> texts;
    for (const std::string_view name : names) texts.push_back(vim::Value::string(name));
    auto made = vim::Value::array(vim::TypeId::string, std::move(texts));
    if (is_serving) known[state] = made;
    return made;
}

}  // namespace drover::host
