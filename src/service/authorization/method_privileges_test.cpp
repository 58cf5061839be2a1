#include "service/authorization/method_privileges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"
#include "vim/types.hpp"

namespace drover::service {
namespace {

using model::testing::World;
using task::Requirement;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using vim::MoRef;
using vim::TypeId;

class MethodPrivilegesTest : public testing::Test {
protected:
    template <class Request>
    std::vector<Requirement> of(std::string_view method, const MoRef& self,
                                const Request& request) {
        return requirements_of(
            {self, vim::find_method(method), request.raw(), {}}, world_.inventory,
            [this](std::string_view name) { return name == "store" ? world_.datastore : MoRef{}; });
    }
    std::vector<Requirement> of(std::string_view method, const MoRef& self) {
        const auto* descriptor = vim::find_method(method);
        return of(method, self, vim::DataHandle(vim::make_object(descriptor->request)));
    }
    std::vector<Requirement> reconfigure(const vim::VirtualMachineConfigSpec& spec) {
        auto request = vim::ReconfigVM_TaskRequest::make();
        request.set_spec(spec);
        return of("ReconfigVM_Task", machine_, request);
    }
    static vim::VirtualDeviceConfigSpec change(const vim::VirtualDevice& device,
                                               vim::VirtualDeviceConfigSpecOperation operation) {
        auto made = vim::VirtualDeviceConfigSpec::make();
        made.set_device(device);
        made.set_operation(operation);
        return made;
    }
    static vim::VirtualDisk disk() {
        auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
        backing.set_fileName("[store] new.vmdk");
        auto made = vim::VirtualDisk::make();
        made.set_key(2000);
        made.set_backing(backing);
        return made;
    }

    World world_;
    MoRef machine_ = world_.add_machine(1);
};

TEST_F(MethodPrivilegesTest, RemovingAndRenamingDependOnTheType) {
    EXPECT_THAT(
        of("Destroy_Task", machine_),
        UnorderedElementsAre(Requirement{machine_, "VirtualMachine.Inventory.Delete"},
                             Requirement{world_.vm_folder, "VirtualMachine.Inventory.Delete"}));
    EXPECT_THAT(of("Rename_Task", world_.datastore),
                UnorderedElementsAre(Requirement{world_.datastore, "Datastore.Rename"}));
    EXPECT_THAT(of("PowerOnVM_Task", machine_), IsEmpty()) << "the schema says it all";
}

TEST_F(MethodPrivilegesTest, ReconfiguringTakesWhatTheSpecChanges) {
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_changeVersion("x");
    EXPECT_THAT(reconfigure(spec), IsEmpty());
    spec.set_numCPUs(2);
    spec.set_name("new");
    spec.set_guestId("otherGuest");
    spec.set_firmware("efi");
    EXPECT_THAT(reconfigure(spec),
                UnorderedElementsAre(Requirement{machine_, "VirtualMachine.Config.CPUCount"},
                                     Requirement{machine_, "VirtualMachine.Config.Rename"},
                                     Requirement{machine_, "VirtualMachine.Config.Settings"}));
}

TEST_F(MethodPrivilegesTest, DisksAndNetworksHaveTheirOwn) {
    auto added = change(disk(), vim::VirtualDeviceConfigSpecOperation::add);
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange({added});
    EXPECT_THAT(reconfigure(spec), UnorderedElementsAre(Requirement{
                                       machine_, "VirtualMachine.Config.AddExistingDisk"}));
    added.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
    auto card = vim::VirtualVmxnet3::make();
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    backing.set_deviceName("VM Network");
    backing.set_network(world_.network);
    card.set_backing(backing);
    spec.set_deviceChange({added, change(disk(), vim::VirtualDeviceConfigSpecOperation::remove),
                           change(card, vim::VirtualDeviceConfigSpecOperation::add)});
    EXPECT_THAT(reconfigure(spec),
                UnorderedElementsAre(Requirement{machine_, "VirtualMachine.Config.AddNewDisk"},
                                     Requirement{world_.datastore, "Datastore.AllocateSpace"},
                                     Requirement{machine_, "VirtualMachine.Config.RemoveDisk"},
                                     Requirement{machine_, "VirtualMachine.Config.AddRemoveDevice"},
                                     Requirement{world_.network, "Network.Assign"}));
}

TEST_F(MethodPrivilegesTest, CreatingAsksForSpaceOnTheDatastoresNamed) {
    auto files = vim::VirtualMachineFileInfo::make();
    files.set_vmPathName("[store]");
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_name("new");
    spec.set_files(files);
    auto request = vim::CreateVM_TaskRequest::make();
    request.set_config(spec);
    request.set_pool(world_.pool);
    EXPECT_THAT(of("CreateVM_Task", world_.vm_folder, request),
                UnorderedElementsAre(Requirement{world_.datastore, "Datastore.AllocateSpace"}));
}

TEST_F(MethodPrivilegesTest, FilesBelongToTheirDatastore) {
    auto request = vim::MakeDirectoryRequest::make();
    request.set_name("[store] directory");
    const MoRef manager{TypeId::FileManager, "fm"};
    EXPECT_THAT(of("MakeDirectory", manager, request),
                UnorderedElementsAre(Requirement{world_.datastore, "Datastore.FileManagement"}));
    request.set_name("[nowhere] directory");
    EXPECT_THAT(of("MakeDirectory", manager, request), IsEmpty());
}

}  // namespace
}  // namespace drover::service
