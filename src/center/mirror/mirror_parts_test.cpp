#include <gtest/gtest.h>

#include <chrono>

#include "center/mirror/apply_change.hpp"
#include "center/mirror/host_picture.hpp"
#include "center/mirror/translate.hpp"
#include "model/property_diff.hpp"
#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::center {
namespace {

using vim::MoRef;
using vim::PropertyChangeOp;
using vim::TypeId;
using vim::Value;

class Suffix final : public ReferenceMap {
public:
    Value map(const Value& reference) const override {
        if (reference.moref_id() == "gone") return {};
        if (reference.moref_id() == "same") return reference;
        return Value::moref(reference.moref_type(), std::string(reference.moref_id()) + "-9");
    }
};

Value references(std::vector<std::string> ids) {
    std::vector<Value> elements;
    for (const auto& id : ids) elements.push_back(Value::moref(TypeId::Datastore, id));
    return Value::array(TypeId::Datastore, std::move(elements));
}

vim::VirtualMachineRuntimeInfo runtime_of(std::string_view host) {
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    runtime.set_host(MoRef{TypeId::HostSystem, std::string(host)});
    return runtime;
}

TEST(Translate, MapsReferencesInDataObjectsAndArrays) {
    const Suffix suffix;
    const Value runtime = translate(runtime_of("ha-host").raw(), suffix);
    EXPECT_EQ(runtime, runtime_of("ha-host-9").raw());
    EXPECT_EQ(translate(references({"a", "gone", "same", "b"}), suffix),
              references({"a-9", "same", "b-9"}));
    EXPECT_EQ(translate(references({"gone"}), suffix), references({}));
    EXPECT_EQ(translate(references({"gone", "same"}), suffix), references({"same"}));
}

TEST(Translate, MapsReferencesInAnyTypeAndFaults) {
    const Suffix suffix;
    auto fault = vim::ManagedObjectNotFound::make();
    fault.set_obj({TypeId::VirtualMachine, "1"});
    auto error = vim::LocalizedMethodFault::make();
    error.set_fault(fault);
    auto info = vim::TaskInfo::make();
    info.set_error(error);
    info.set_result(Value::moref(TypeId::VirtualMachine, "1"));
    const vim::TaskInfo made(translate(info.raw(), suffix));
    EXPECT_EQ(made.result(), Value::moref(TypeId::VirtualMachine, "1-9"));
    EXPECT_EQ(vim::ManagedObjectNotFound(made.error().fault().raw()).obj().id, "1-9");
}

TEST(Translate, SharesWhatDoesNotChange) {
    const Suffix suffix;
    const Value same = references({"same", "same"});
    EXPECT_TRUE(translate(same, suffix).same_content(same));
    auto summary = vim::VirtualMachineSummary::make();
    summary.set_quickStats(vim::VirtualMachineQuickStats::make());
    summary.set_runtime(runtime_of("ha-host"));
    const vim::VirtualMachineSummary made(translate(summary.raw(), suffix));
    EXPECT_TRUE(made.quickStats().raw().same_content(summary.quickStats().raw()));
    EXPECT_EQ(made.runtime().host()->id, "ha-host-9");
    EXPECT_EQ(summary.runtime().host()->id, "ha-host");
}

TEST(Translate, KnowsWhatCanHoldNoReference) {
    EXPECT_FALSE(may_hold_references(TypeId::VirtualMachineQuickStats));
    EXPECT_FALSE(may_hold_references(TypeId::string));
    EXPECT_TRUE(may_hold_references(TypeId::VirtualDevice));
    EXPECT_TRUE(may_hold_references(TypeId::OptionValue));
    EXPECT_TRUE(may_hold_references(TypeId::MethodFault));
}

TEST(Translate, IsQuick) {
    auto device = vim::VirtualDisk::make();
    auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
    backing.set_fileName("[a] b/c.vmdk");
    backing.set_datastore({TypeId::Datastore, "x"});
    device.set_backing(backing);
    const Value one = Value::array(TypeId::VirtualDevice, std::vector<Value>(20, device.raw()));
    const Suffix suffix;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(translate(one, suffix).is_set());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{10});
}

const vim::PropertyDescriptor& property_of(TypeId type, std::string_view name) {
    const auto& descriptor = vim::describe(type);
    return descriptor.properties()[*descriptor.find_property(name)];
}

TEST(ApplyChange, RepeatsWhatADifferenceSays) {
    auto before = vim::VirtualMachineConfigInfo::make();
    auto hardware = vim::VirtualHardware::make();
    auto disk = vim::VirtualDisk::make();
    disk.set_key(2000);
    auto nic = vim::VirtualE1000::make();
    nic.set_key(4000);
    hardware.set_device({disk, nic});
    hardware.set_numCPU(1);
    before.set_hardware(hardware);
    auto after = before;
    auto floppy = vim::VirtualFloppy::make();
    floppy.set_key(8000);
    disk.set_capacityInKB(77);
    hardware.set_device({disk, floppy});
    hardware.set_numCPU(4);
    after.set_hardware(hardware);
    after.set_annotation("text");
    const auto& config = property_of(TypeId::VirtualMachine, "config");
    Value value = before.raw();
    const auto steps = model::diff("config", before.raw(), after.raw(), vim::newest_release());
    EXPECT_GE(steps.size(), 4u);
    for (const auto& step : steps) {
        value =
            apply_change(value, config, std::string_view(step.path).substr(6), step.op, step.value);
    }
    EXPECT_EQ(value, after.raw());
}

TEST(ApplyChange, RefusesWhatTheSchemaDoesNotAllow) {
    const auto& config = property_of(TypeId::VirtualMachine, "config");
    const Value before = vim::VirtualMachineConfigInfo::make().raw();
    const auto refused = [&](std::string_view rest, const Value& value) {
        return apply_change(before, config, rest, PropertyChangeOp::assign, value) == before;
    };
    EXPECT_TRUE(refused("", Value::int_(1)));
    EXPECT_TRUE(refused("", vim::GuestInfo::make().raw()));
    EXPECT_TRUE(refused(".annotation", Value::int_(1)));
    EXPECT_TRUE(refused(".nothing", Value::int_(1)));
    EXPECT_TRUE(refused(".annotation[1]", Value::int_(1)));
    EXPECT_TRUE(refused(".extraConfig[", Value::int_(1)));
    EXPECT_TRUE(refused(".hardware.numCPU", Value::int_(1)));
}

vim::ObjectUpdate update_of(vim::ObjectUpdateKind kind, const MoRef& object,
                            std::vector<std::pair<std::string, Value>> values) {
    auto update = vim::ObjectUpdate::make();
    update.set_kind(kind);
    update.set_obj(object);
    std::vector<vim::PropertyChange> changes;
    for (auto& [name, value] : values) {
        auto change = vim::PropertyChange::make();
        change.set_name(name);
        change.set_op(PropertyChangeOp::assign);
        change.set_val(value);
        changes.push_back(change);
    }
    update.set_changeSet(changes);
    return update;
}

vim::PropertyFilterUpdate filter_update(std::vector<vim::ObjectUpdate> objects) {
    auto update = vim::PropertyFilterUpdate::make();
    update.set_objectSet(objects);
    return update;
}

TEST(HostPicture, FollowsUpdates) {
    HostPicture picture;
    const MoRef vm{TypeId::VirtualMachine, "1"};
    const MoRef other{TypeId::VirtualMachine, "2"};
    using Kind = vim::ObjectUpdateKind;
    auto change = picture.apply(
        filter_update({update_of(Kind::enter, vm, {{"name", Value::string("a")}}),
                       update_of(Kind::enter, other, {{"name", Value::string("b")}})}),
        true);
    ASSERT_EQ(change.touched.size(), 2u);
    EXPECT_TRUE(change.touched[0].entered);
    change = picture.apply(
        filter_update({update_of(Kind::modify, vm,
                                 {{"name", Value::string("c")}, {"bogus", Value::string("c")}})}),
        false);
    ASSERT_EQ(change.touched.size(), 1u);
    EXPECT_FALSE(change.touched[0].entered);
    EXPECT_EQ(change.touched[0].properties.size(), 1u);
    EXPECT_EQ(picture.find("1")->property(vim::property::VirtualMachine::name), Value::string("c"));
    // After a reconnect, what isn't there any more has left.
    change = picture.apply(
        filter_update({update_of(Kind::enter, other, {{"name", Value::string("b")}})}), true);
    ASSERT_EQ(change.left.size(), 1u);
    EXPECT_EQ(change.left[0], vm);
    EXPECT_EQ(picture.size(), 1u);
    change = picture.apply(filter_update({update_of(Kind::leave, other, {})}), false);
    EXPECT_EQ(change.left.size(), 1u);
    EXPECT_EQ(picture.size(), 0u);
}

}  // namespace
}  // namespace drover::center
