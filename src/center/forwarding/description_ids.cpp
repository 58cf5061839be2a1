#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "center/forwarding/forwarding.hpp"

namespace drover::center {

namespace {

using namespace std::string_view_literals;

// Where vSphere's id is not the method's name.
constexpr auto kIds = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"PowerOnVM_Task"sv, "VirtualMachine.powerOn"sv},
    {"PowerOffVM_Task"sv, "VirtualMachine.powerOff"sv},
    {"SuspendVM_Task"sv, "VirtualMachine.suspend"sv},
    {"ResetVM_Task"sv, "VirtualMachine.reset"sv},
    {"ReconfigVM_Task"sv, "VirtualMachine.reconfigure"sv},
    {"UpgradeVM_Task"sv, "VirtualMachine.upgradeVirtualHardware"sv},
    {"CloneVM_Task"sv, "VirtualMachine.clone"sv},
    {"RelocateVM_Task"sv, "VirtualMachine.relocate"sv},
    {"MigrateVM_Task"sv, "VirtualMachine.migrate"sv},
    {"CustomizeVM_Task"sv, "VirtualMachine.customize"sv},
    {"RevertToSnapshot_Task"sv, "vm.Snapshot.revert"sv},
    {"RemoveSnapshot_Task"sv, "vm.Snapshot.remove"sv},
    {"CreateVM_Task"sv, "Folder.createVm"sv},
    {"RegisterVM_Task"sv, "Folder.registerVm"sv},
    {"CreateChildVM_Task"sv, "ResourcePool.createVm"sv},
    {"RegisterChildVM_Task"sv, "ResourcePool.registerVm"sv},
    {"PowerOnMultiVM_Task"sv, "Datacenter.powerOnVm"sv},
    {"ShutdownHost_Task"sv, "HostSystem.shutdown"sv},
    {"RebootHost_Task"sv, "HostSystem.reboot"sv},
    {"SearchDatastore_Task"sv, "HostDatastoreBrowser.search"sv},
    {"SearchDatastoreSubFolders_Task"sv, "HostDatastoreBrowser.searchSubFolders"sv},
    {"DeleteDatastoreFile_Task"sv, "FileManager.deleteFile"sv},
    {"CopyDatastoreFile_Task"sv, "FileManager.copyFile"sv},
    {"MoveDatastoreFile_Task"sv, "FileManager.moveFile"sv},
    {"Destroy_Task"sv, "VirtualMachine.destroy"sv},
    {"Rename_Task"sv, "ManagedEntity.rename"sv},
});

}  // namespace

std::string description_of(const vim::MethodDescriptor& method) {
    const auto known = std::ranges::find(kIds, method.name(), &decltype(kIds)::value_type::first);
    if (known != kIds.end()) return std::string(known->second);
    std::string name(method.name());
    if (name.ends_with("_Task")) name.resize(name.size() - 5);
    name.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(name.front())));
    return std::string(vim::describe(method.owner).name()) + "." + name;
}

}  // namespace drover::center
