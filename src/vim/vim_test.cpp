#include <gtest/gtest.h>

#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::vim {
namespace {

TEST(Schema, KnowsTypesByNameAndInheritance) {
    const TypeId disk = find_type("VirtualDisk");
    EXPECT_EQ(disk, TypeId::VirtualDisk);
    EXPECT_TRUE(is_a(disk, TypeId::VirtualDevice));
    EXPECT_FALSE(is_a(TypeId::VirtualDevice, disk));
    EXPECT_TRUE(is_a(TypeId::VirtualMachine, TypeId::ManagedObject));
    EXPECT_EQ(find_type("NoSuchType"), TypeId::none);
    EXPECT_EQ(describe(disk).properties()[0].name(), "key");
}

TEST(Schema, EveryTypeIsFoundByItsOwnName) {
    for (std::size_t i = 0; i < all_types().size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(find_type(all_types()[i].name())), i);
    }
}

TEST(Schema, MethodsHaveRequests) {
    const MethodDescriptor* method = find_method("CreateVM_Task");
    ASSERT_NE(method, nullptr);
    EXPECT_EQ(method->owner, TypeId::Folder);
    EXPECT_TRUE(method->returns_task());
    EXPECT_EQ(method->task_result, TypeId::VirtualMachine);
    EXPECT_EQ(describe(method->request).properties()[0].name(), "config");
    EXPECT_EQ(find_method("CreateVM"), nullptr);
}

TEST(Schema, OrdersReleases) {
    EXPECT_LT(*find_release("2.5"), *find_release("2.5u2"));
    EXPECT_LT(*find_release("2.5u2"), *find_release("4.0"));
    EXPECT_LT(*find_release("6.7"), *find_release("6.7.1"));
    EXPECT_EQ(release_name(*find_release("6.7.1")), "6.7.1");
    EXPECT_EQ(find_release("9.1.0.0"), newest_release());
    EXPECT_FALSE(find_release("urn:vim25"));
    EXPECT_EQ(release_name(served_releases().front()), "8.0.3.0");
    for (const Release release : served_releases()) EXPECT_NE(release, Release::oldest);
}

TEST(Schema, DowngradesToWhatAReleaseKnows) {
    EXPECT_EQ(downgrade(TypeId::VirtualNVMEController, *find_release("4.0")),
              TypeId::VirtualController);
    EXPECT_EQ(downgrade(TypeId::VirtualDisk, *find_release("2.0")), TypeId::VirtualDisk);
}

TEST(Value, IsSharedUntilItIsChanged) {
    auto first = Description::make();
    first.set_label("one");
    Description second = first;
    EXPECT_TRUE(first.raw().same_content(second.raw()));
    second.set_label("two");
    EXPECT_EQ(first.label(), "one");
    EXPECT_EQ(second.label(), "two");
    EXPECT_NE(first, second);
    second.set_label("one");
    EXPECT_EQ(first, second);
}

TEST(Value, HandlesGiveTypedAccess) {
    auto disk = VirtualDisk::make();
    disk.set_key(2000);
    disk.set_capacityInKB(1024);
    auto spec = VirtualDeviceConfigSpec::make();
    spec.set_device(disk);
    auto config = VirtualMachineConfigSpec::make();
    config.set_deviceChange({spec});
    EXPECT_FALSE(config.numCPUs());
    config.set_numCPUs(2);
    EXPECT_EQ(config.numCPUs(), 2);
    int seen = 0;
    for (const auto& change : config.deviceChange()) {
        ++seen;
        EXPECT_TRUE(change.device().is<VirtualDisk>());
        EXPECT_FALSE(change.device().is<VirtualCdrom>());
        EXPECT_EQ(change.device().as<VirtualDisk>().capacityInKB(), 1024);
    }
    EXPECT_EQ(seen, 1);
    config.clear_numCPUs();
    EXPECT_FALSE(config.numCPUs());
    EXPECT_TRUE(config.extraConfig().empty());
}

TEST(Value, EnumerationsCarryTheirNames) {
    EXPECT_EQ(to_string(VirtualMachinePowerState::poweredOn), "poweredOn");
    EXPECT_EQ(parse_enum<VirtualMachinePowerState>("suspended"),
              VirtualMachinePowerState::suspended);
    EXPECT_FALSE(parse_enum<VirtualMachinePowerState>("asleep"));
}

TEST(Value, DumpsWithoutSecrets) {
    auto login = LoginRequest::make();
    login.set_userName("root");
    login.set_password("hunter2");
    const std::string text = to_debug_string(login.raw());
    EXPECT_NE(text.find("root"), std::string::npos);
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace drover::vim
