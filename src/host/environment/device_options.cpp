#include "host/environment/device_options.hpp"

#include "host/host_system/object.hpp"
#include "machine/device_place.hpp"

namespace drover::host {

using vim::DataHandle;
using vim::TypeId;
using vim::Value;

DataHandle int_option(std::int32_t least, std::int32_t most, std::int32_t usual) {
    return make_data(TypeId::IntOption, {{"min", Value::int_(least)},
                                         {"max", Value::int_(most)},
                                         {"defaultValue", Value::int_(usual)}});
}

DataHandle long_option(std::int64_t least, std::int64_t most, std::int64_t usual) {
    return make_data(TypeId::LongOption, {{"min", Value::long_(least)},
                                          {"max", Value::long_(most)},
                                          {"defaultValue", Value::long_(usual)}});
}

DataHandle bool_option(bool supported, bool usual) {
    return make_data(TypeId::BoolOption, {{"supported", Value::boolean(supported)},
                                          {"defaultValue", Value::boolean(usual)}});
}

namespace {

DataHandle shares_option() {
    // SharesLevel::normal, the second of its words.
    return make_data(TypeId::SharesOption,
                     {{"sharesOption", int_option(0, 1'000'000, 1000).raw()},
                      {"defaultLevel", Value::enumeration(TypeId::SharesLevel, 1)}});
}

DataHandle choice(const std::vector<std::string_view>& words) {
    std::vector<Value> list;
    for (const auto word : words) {
        list.push_back(make_data(TypeId::ElementDescription, {{"key", text_value(word)},
                                                              {"label", text_value(word)},
                                                              {"summary", text_value(word)}})
                           .raw());
    }
    return make_data(TypeId::ChoiceOption,
                     {{"choiceInfo", Value::array(TypeId::ElementDescription, std::move(list))},
                      {"defaultIndex", Value::int_(0)}});
}

Value backings(std::vector<DataHandle> list) {
    std::vector<Value> values;
    for (const auto& each : list) values.push_back(each.raw());
    return Value::array(TypeId::VirtualDeviceBackingOption, std::move(values));
}

DataHandle connectable() {
    return make_data(TypeId::VirtualDeviceConnectOption,
                     {{"startConnected", bool_option(true, true).raw()},
                      {"allowGuestControl", bool_option(true, true).raw()}});
}

// What all device options have in common; `option` is the option's type, `device` the device's
// name.
DataHandle device(TypeId option, std::string_view name, bool hot_remove = false) {
    return make_data(option, {{"type", text_value(name)},
                              {"deprecated", Value::boolean(false)},
                              {"plugAndPlay", Value::boolean(hot_remove)},
                              {"hotRemoveSupported", Value::boolean(hot_remove)}});
}

DataHandle on_controller(const DataHandle& option, std::string_view controller) {
    return with(option, {{"controllerType", text_value(controller)},
                         {"autoAssignController", bool_option(true, true).raw()}});
}

DataHandle controller(TypeId option, std::string_view name, std::int32_t most_devices,
                      const std::vector<std::string_view>& takes) {
    return with(device(option, name), {{"devices", int_option(0, most_devices, 0).raw()},
                                       {"supportedDevice", texts_value(takes)}});
}

DataHandle scsi(TypeId option, std::string_view name, std::int32_t units) {
    constexpr std::int32_t own_unit = 7;
    const Value not_shared = Value::enumeration(TypeId::VirtualSCSISharing, 0);
    return with(controller(option, name, units - 1, {"VirtualDisk", "VirtualCdrom"}),
                {{"numSCSIDisks", int_option(0, units - 1, 0).raw()},
                 {"numSCSICdroms", int_option(0, units - 1, 0).raw()},
                 {"numSCSIPassthrough", int_option(0, 0, 0).raw()},
                 {"sharing", Value::array(TypeId::VirtualSCSISharing, {not_shared})},
                 {"defaultSharedIndex", Value::int_(0)},
                 {"hotAddRemove", bool_option(true, true).raw()},
                 {"scsiCtlrUnitNumber", Value::int_(own_unit)}});
}

DataHandle pci() {
    return with(controller(TypeId::VirtualPCIControllerOption, "VirtualPCIController", 32, {}),
                {{"numSCSIControllers", int_option(0, 4, 0).raw()},
                 {"numEthernetCards", int_option(0, machine::kMaxNics, 0).raw()},
                 {"numVideoCards", int_option(1, 1, 1).raw()},
                 {"numSoundCards", int_option(0, 0, 0).raw()},
                 {"numVmiRoms", int_option(0, 0, 0).raw()},
                 {"numVmciDevices", int_option(0, 1, 1).raw()},
                 {"numPCIPassthroughDevices", int_option(0, 0, 0).raw()},
                 {"numSasSCSIControllers", int_option(0, 4, 0).raw()},
                 {"numVmxnet3EthernetCards", int_option(0, machine::kMaxNics, 0).raw()},
                 {"numParaVirtualSCSIControllers", int_option(0, 4, 0).raw()},
                 {"numSATAControllers", int_option(0, 4, 0).raw()},
                 {"numNVMEControllers", int_option(0, 0, 0).raw()}});
}

DataHandle usb(TypeId option, std::string_view name, const std::vector<std::string_view>& speeds) {
    constexpr std::int32_t ports = 20;
    return with(controller(option, name, ports, {}),
                {{"autoConnectDevices", bool_option(false, false).raw()},
                 {"supportedSpeeds", texts_value(speeds)}});
}

std::vector<DataHandle> controllers() {
    const auto ide = with(
        controller(TypeId::VirtualIDEControllerOption, "VirtualIDEController", 2,
                   {"VirtualDisk", "VirtualCdrom"}),
        {{"numIDEDisks", int_option(0, 2, 0).raw()}, {"numIDECdroms", int_option(0, 2, 0).raw()}});
    constexpr std::int32_t ports = 6;  // of QEMU's AHCI controller
    const auto ahci = with(controller(TypeId::VirtualAHCIControllerOption, "VirtualAHCIController",
                                      ports, {"VirtualDisk", "VirtualCdrom"}),
                           {{"numSATADisks", int_option(0, ports, 0).raw()},
                            {"numSATACdroms", int_option(0, ports, 0).raw()}});
    const auto ps2 = with(controller(TypeId::VirtualPS2ControllerOption, "VirtualPS2Controller", 2,
                                     {"VirtualKeyboard", "VirtualPointingDevice"}),
                          {{"numKeyboards", int_option(1, 1, 1).raw()},
                           {"numPointingDevices", int_option(1, 1, 1).raw()}});
    const auto sio = with(controller(TypeId::VirtualSIOControllerOption, "VirtualSIOController",
                                     machine::kMaxSerialPorts + machine::kMaxFloppies,
                                     {"VirtualFloppy", "VirtualSerialPort"}),
                          {{"numFloppyDrives", int_option(0, machine::kMaxFloppies, 0).raw()},
                           {"numSerialPorts", int_option(0, machine::kMaxSerialPorts, 0).raw()},
                           {"numParallelPorts", int_option(0, 0, 0).raw()}});
    return {pci(),
            with(usb(TypeId::VirtualUSBControllerOption, "VirtualUSBController",
                     {"low", "full", "high"}),
                 {{"ehciSupported", bool_option(true, false).raw()}}),
            usb(TypeId::VirtualUSBXHCIControllerOption, "VirtualUSBXHCIController",
                {"low", "full", "high", "superSpeed"}),
            ide,
            ahci,
            ps2,
            sio,
            scsi(TypeId::VirtualLsiLogicControllerOption, "VirtualLsiLogicController", 8),
            scsi(TypeId::VirtualLsiLogicSASControllerOption, "VirtualLsiLogicSASController", 8),
            scsi(TypeId::ParaVirtualSCSIControllerOption, "ParaVirtualSCSIController", 64)};
}

DataHandle disk() {
    constexpr std::int64_t most_kb = 62LL << 30;  // 62 TiB, the most that a .vmdk can say
    const auto none = choice({"nativeFormat"});
    const auto file =
        make_data(TypeId::VirtualDiskFlatVer2BackingOption,
                  {{"type", text_value("VirtualDiskFlatVer2BackingInfo")},
                   {"fileNameExtensions", choice({"vmdk"}).raw()},
                   {"diskMode", choice({"persistent", "independent_persistent"}).raw()},
                   {"split", bool_option(false, false).raw()},
                   {"writeThrough", bool_option(false, false).raw()},
                   {"growable", Value::boolean(true)},
                   {"hotGrowable", Value::boolean(false)},
                   {"uuid", Value::boolean(true)},
                   {"thinProvisioned", bool_option(true, true).raw()},
                   {"eagerlyScrub", bool_option(true, false).raw()},
                   {"deltaDiskFormat", none.raw()},
                   {"deltaDiskFormatsSupported",
                    Value::array(TypeId::VirtualDiskDeltaDiskFormatsSupported, {})}});
    const auto io = make_data(TypeId::StorageIOAllocationOption,
                              {{"limitOption", long_option(-1, INT32_MAX, -1).raw()},
                               {"sharesOption", shares_option().raw()}});
    return on_controller(with(device(TypeId::VirtualDiskOption, "VirtualDisk", true),
                              {{"backingOption", backings({file})},
                               {"defaultBackingOptionIndex", Value::int_(0)},
                               {"capacityInKB", long_option(1024, most_kb, 8LL << 20).raw()},
                               {"ioAllocationOption", io.raw()}}),
                         "VirtualSCSIController");
}

DataHandle file_backing(TypeId type, std::string_view name,
                        const std::vector<std::string_view>& extensions) {
    return make_data(
        type, {{"type", text_value(name)}, {"fileNameExtensions", choice(extensions).raw()}});
}

DataHandle cdrom() {
    const auto iso =
        file_backing(TypeId::VirtualCdromIsoBackingOption, "VirtualCdromIsoBackingInfo", {"iso"});
    const auto none = make_data(TypeId::VirtualCdromRemotePassthroughBackingOption,
                                {{"type", text_value("VirtualCdromRemotePassthroughBackingInfo")},
                                 {"autoDetectAvailable", bool_option(false, false).raw()},
                                 {"exclusive", bool_option(false, false).raw()}});
    return on_controller(with(device(TypeId::VirtualCdromOption, "VirtualCdrom"),
                              {{"connectOption", connectable().raw()},
                               {"backingOption", backings({iso, none})},
                               {"defaultBackingOptionIndex", Value::int_(0)}}),
                         "VirtualIDEController");
}

DataHandle floppy() {
    const auto image = file_backing(TypeId::VirtualFloppyImageBackingOption,
                                    "VirtualFloppyImageBackingInfo", {"flp", "img"});
    return on_controller(with(device(TypeId::VirtualFloppyOption, "VirtualFloppy"),
                              {{"connectOption", connectable().raw()},
                               {"backingOption", backings({image})},
                               {"defaultBackingOptionIndex", Value::int_(0)}}),
                         "VirtualSIOController");
}

DataHandle nic(TypeId option, std::string_view name) {
    const auto network = make_data(TypeId::VirtualEthernetCardNetworkBackingOption,
                                   {{"type", text_value("VirtualEthernetCardNetworkBackingInfo")},
                                    {"autoDetectAvailable", bool_option(false, false).raw()}});
    return on_controller(with(device(option, name, true),
                              {{"connectOption", connectable().raw()},
                               {"backingOption", backings({network})},
                               {"defaultBackingOptionIndex", Value::int_(0)},
                               {"supportedOUI", choice({"00:0C:29", "00:50:56"}).raw()},
                               {"macType", choice({"generated", "manual", "assigned"}).raw()},
                               {"wakeOnLanEnabled", bool_option(false, false).raw()},
                               {"vmDirectPathGen2Supported", Value::boolean(false)}}),
                         "VirtualPCIController");
}

DataHandle video() {
    return on_controller(with(device(TypeId::VirtualVideoCardOption, "VirtualMachineVideoCard"),
                              {{"videoRamSizeInKB", long_option(4096, 131072, 16384).raw()},
                               {"numDisplays", int_option(1, 1, 1).raw()},
                               {"useAutoDetect", bool_option(false, false).raw()},
                               {"support3D", bool_option(false, false).raw()},
                               {"use3dRendererSupported", bool_option(false, false).raw()}}),
                         "VirtualPCIController");
}

}  // namespace

std::vector<DataHandle> make_device_options() {
    auto list = controllers();
    list.push_back(disk());
    list.push_back(cdrom());
    list.push_back(floppy());
    list.push_back(nic(TypeId::VirtualE1000Option, "VirtualE1000"));
    list.push_back(nic(TypeId::VirtualE1000eOption, "VirtualE1000e"));
    list.push_back(nic(TypeId::VirtualVmxnet3Option, "VirtualVmxnet3"));
    list.push_back(with(nic(TypeId::VirtualPCNet32Option, "VirtualPCNet32"),
                        {{"supportsMorphing", Value::boolean(false)}}));
    list.push_back(video());
    list.push_back(on_controller(device(TypeId::VirtualKeyboardOption, "VirtualKeyboard"),
                                 "VirtualPS2Controller"));
    list.push_back(
        on_controller(device(TypeId::VirtualPointingDeviceOption, "VirtualPointingDevice"),
                      "VirtualPS2Controller"));
    list.push_back(on_controller(with(device(TypeId::VirtualSerialPortOption, "VirtualSerialPort"),
                                      {{"yieldOnPoll", bool_option(true, true).raw()}}),
                                 "VirtualSIOController"));
    return list;
}

DataHandle make_resource_options() {
    const auto allocation =
        make_data(TypeId::ResourceAllocationOption, {{"sharesOption", shares_option().raw()}});
    return make_data(TypeId::ResourceConfigOption, {{"cpuAllocationOption", allocation.raw()},
                                                    {"memoryAllocationOption", allocation.raw()}});
}

}  // namespace drover::host
