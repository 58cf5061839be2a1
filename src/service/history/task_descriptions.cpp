#include "service/history/task_descriptions.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace drover::service {
namespace {

struct Words {
    std::string_view id;
    std::string_view label;
    std::string_view summary;
};

constexpr auto kWords = std::to_array<Words>({
    {"Folder.createVm", "Create virtual machine", "Create a new virtual machine"},
    {"Folder.registerVm", "Register virtual machine", "Register an existing virtual machine"},
    {"ResourcePool.createVm", "Create virtual machine",
     "Create a new virtual machine in a resource pool"},
    {"ResourcePool.registerVm", "Register virtual machine",
     "Register an existing virtual machine in a resource pool"},
    {"Datacenter.powerOnVm", "Initialize powering On", "Power on several virtual machines"},
    {"VirtualMachine.powerOn", "Power On virtual machine", "Power On this virtual machine"},
    {"VirtualMachine.powerOff", "Power Off virtual machine", "Power Off this virtual machine"},
    {"VirtualMachine.suspend", "Suspend virtual machine", "Suspend virtual machine"},
    {"VirtualMachine.reset", "Reset virtual machine", "Reset this virtual machine"},
    {"VirtualMachine.reconfigure", "Reconfigure virtual machine",
     "Change the configuration of this virtual machine"},
    {"VirtualMachine.upgradeVirtualHardware", "Upgrade virtual hardware",
     "Upgrade the virtual hardware of this virtual machine"},
    {"VirtualMachine.createScreenshot", "Create screenshot",
     "Write a picture of the console to a file"},
    {"VirtualMachine.createSnapshot", "Create virtual machine snapshot",
     "Create a new snapshot of this virtual machine"},
    {"VirtualMachine.clone", "Clone virtual machine", "Clone this virtual machine"},
    {"VirtualMachine.relocate", "Relocate virtual machine",
     "Move this virtual machine to other storage"},
    {"ManagedEntity.destroy", "Delete", "Delete this object"},
    {"VirtualMachine.destroy", "Delete virtual machine", "Delete this virtual machine"},
    {"ManagedEntity.rename", "Rename", "Rename this object"},
    {"HostSystem.enterMaintenanceMode", "Enter maintenance mode",
     "Put this host into maintenance mode"},
    {"HostSystem.exitMaintenanceMode", "Exit maintenance mode",
     "Take this host out of maintenance mode"},
    {"HostSystem.shutdown", "Initiate host shutdown", "Shut down this host"},
    {"HostSystem.reboot", "Initiate host reboot", "Reboot this host"},
    {"HostDatastoreBrowser.search", "Search files", "Search a directory of a datastore"},
    {"HostDatastoreBrowser.searchSubFolders", "Search files",
     "Search a directory of a datastore and what is below it"},
    {"FileManager.deleteFile", "Delete file", "Delete a file or a directory"},
    {"FileManager.copyFile", "Copy file", "Copy a file or a directory"},
    {"FileManager.moveFile", "Move file", "Move a file or a directory"},
    {"VirtualDiskManager.createVirtualDisk", "Create virtual disk", "Create a virtual disk"},
    {"VirtualDiskManager.deleteVirtualDisk", "Delete virtual disk", "Delete a virtual disk"},
    {"VirtualDiskManager.copyVirtualDisk", "Copy virtual disk", "Copy a virtual disk"},
    {"VirtualDiskManager.moveVirtualDisk", "Move virtual disk", "Move a virtual disk"},
    {"VirtualDiskManager.extendVirtualDisk", "Extend virtual disk",
     "Extend the capacity of a virtual disk"},
    {"VirtualDiskManager.inflateVirtualDisk", "Inflate virtual disk",
     "Give a thin virtual disk all its space"},
    {"VirtualDiskManager.zeroFillVirtualDisk", "Zero out virtual disk",
     "Fill a virtual disk with zeros"},
    {"VirtualDiskManager.shrinkVirtualDisk", "Shrink virtual disk",
     "Give back the space of a virtual disk that is not used"},
    {"DiagnosticManager.generateLogBundles", "Generate log bundles",
     "Collect the diagnostics of this host"},
});

// "ReconfigVM_Task" -> "Reconfig VM".
std::string words_of(std::string_view method) {
    if (method.ends_with("_Task")) method.remove_suffix(5);
    std::string text;
    for (std::size_t i = 0; i < method.size(); ++i) {
        const bool upper = std::isupper(static_cast<unsigned char>(method[i])) != 0;
        const bool after_lower =
            i > 0 && std::islower(static_cast<unsigned char>(method[i - 1])) != 0;
        if (upper && after_lower) text += ' ';
        text += method[i];
    }
    return text;
}

Words words(const std::string& id, const std::string& method, std::string& storage) {
    const auto found = std::ranges::find(kWords, id, &Words::id);
    if (found != kWords.end()) return *found;
    storage = method.empty() ? id : words_of(method);
    return {id, storage, storage};
}

vim::ElementDescription element(std::string_view key, std::string_view label,
                                std::string_view summary) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(summary);
    return made;
}

vim::TypeDescription reason(std::string_view key, std::string_view label) {
    auto made = vim::TypeDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

}  // namespace

std::string task_label(const std::string& description_id, const std::string& method) {
    std::string storage;
    return std::string(words(description_id, method, storage).label);
}

vim::TaskDescription describe_tasks(const std::map<std::string, std::string>& kinds) {
    std::vector<vim::ElementDescription> methods;
    for (const auto& [id, method] : kinds) {
        std::string storage;
        const Words found = words(id, method, storage);
        methods.push_back(element(id, found.label, found.summary));
    }
    auto made = vim::TaskDescription::make();
    made.set_methodInfo(methods);
    made.set_state({element("queued", "Queued", "The task waits to be run"),
                    element("running", "In Progress", "The task is running"),
                    element("success", "Success", "The task has ended as it should"),
                    element("error", "Error", "The task has ended with an error")});
    made.set_reason({reason("TaskReasonUser", "A user has started the task"),
                     reason("TaskReasonSystem", "The server has started the task"),
                     reason("TaskReasonAlarm", "An alarm has started the task"),
                     reason("TaskReasonSchedule", "A scheduled task has started the task")});
    return made;
}

}  // namespace drover::service
