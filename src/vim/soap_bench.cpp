// What a client waits for when it reads the devices of 10,000 machines: the encoder alone, and the
// way back. The values are as large as real ones: about 6 kB of text for each machine's devices.

#include <benchmark/benchmark.h>

#include "vim/json.hpp"
#include "vim/soap.hpp"
#include "vim/types.hpp"

namespace drover::vim {
namespace {

constexpr std::size_t kMachines = 10'000;

Value disk(std::int32_t key) {
    auto label = Description::make();
    label.set_label("Hard disk 1");
    label.set_summary("41,943,040 KB");
    auto backing = VirtualDiskFlatVer2BackingInfo::make();
    backing.set_fileName("[datastore1] machine-0001/machine-0001_1.vmdk");
    backing.set_diskMode("persistent");
    backing.set_thinProvisioned(true);
    backing.set_datastore({TypeId::Datastore, "datastore-17"});
    auto made = VirtualDisk::make();
    made.set_key(key);
    made.set_deviceInfo(label);
    made.set_backing(backing);
    made.set_controllerKey(1000);
    made.set_unitNumber(key % 16);
    made.set_capacityInKB(41'943'040);
    return made.raw();
}

Value card(std::int32_t key) {
    auto label = Description::make();
    label.set_label("Network adapter 1");
    label.set_summary("VM Network");
    auto made = make_object(TypeId::VirtualVmxnet3);
    const auto set = [&](std::string_view name, Value value) {
        made.set_slot(*describe(made.type()).find_property(name), std::move(value));
    };
    set("key", Value::int_(key));
    set("deviceInfo", label.raw());
    set("controllerKey", Value::int_(100));
    set("unitNumber", Value::int_(7));
    set("addressType", Value::string("assigned"));
    set("macAddress", Value::string("00:50:56:9a:01:02"));
    set("wakeOnLanEnabled", Value::boolean(true));
    return made;
}

// RetrieveResult of config.hardware.device of every machine.
Value retrieve_result() {
    std::vector<Value> devices;
    for (std::int32_t i = 0; i < 10; ++i) devices.push_back(disk(2000 + i));
    for (std::int32_t i = 0; i < 4; ++i) devices.push_back(card(4000 + i));
    auto property = DynamicProperty::make();
    property.set_name("config.hardware.device");
    property.set_val(Value::array(TypeId::VirtualDevice, devices));
    std::vector<Value> objects;
    for (std::size_t i = 0; i < kMachines; ++i) {
        auto object = make_object(TypeId::ObjectContent);
        object.set_slot(0, Value::moref(TypeId::VirtualMachine, "vm-" + std::to_string(i)));
        object.set_slot(1, Value::array(TypeId::DynamicProperty, {property.raw()}));
        objects.push_back(object);
    }
    auto result = make_object(TypeId::RetrieveResult);
    result.set_slot(*describe(TypeId::RetrieveResult).find_property("objects"),
                    Value::array(TypeId::ObjectContent, std::move(objects)));
    return result;
}

const MethodDescriptor& retrieve() {
    return *find_method("RetrievePropertiesEx");
}

void run(benchmark::State& state, auto step) {
    std::size_t bytes = 0;
    for (auto _ : state) bytes += step();
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void encode_soap(benchmark::State& state) {
    const Value result = retrieve_result();
    const Release release = *find_release("6.7");
    run(state, [&] { return encode_soap_response(retrieve(), result, release).size(); });
}
BENCHMARK(encode_soap)->Unit(benchmark::kMillisecond);

void encode_json(benchmark::State& state) {
    const Value result = retrieve_result();
    const Release release = served_releases().front();
    run(state, [&] { return encode_json_response(retrieve(), result, release).size(); });
}
BENCHMARK(encode_json)->Unit(benchmark::kMillisecond);

void decode_soap(benchmark::State& state) {
    const std::string text =
        encode_soap_response(retrieve(), retrieve_result(), served_releases().front());
    run(state, [&] {
        benchmark::DoNotOptimize(decode_soap_response(retrieve(), text));
        return text.size();
    });
}
BENCHMARK(decode_soap)->Unit(benchmark::kMillisecond);

void decode_json(benchmark::State& state) {
    const std::string text =
        encode_json_response(retrieve(), retrieve_result(), served_releases().front());
    run(state, [&] {
        benchmark::DoNotOptimize(decode_json_response(retrieve(), text));
        return text.size();
    });
}
BENCHMARK(decode_json)->Unit(benchmark::kMillisecond);

void parse_small_request(benchmark::State& state) {
    auto request = make_object(TypeId::LoginRequestType);
    request.set_slot(0, Value::string("administrator"));
    request.set_slot(1, Value::string("secret"));
    const std::string text =
        encode_soap_request(*find_method("Login"), {TypeId::SessionManager, "ha-sessionmgr"},
                            request, served_releases().front());
    run(state, [&] {
        benchmark::DoNotOptimize(parse_soap_request(text));
        return text.size();
    });
}
BENCHMARK(parse_small_request);

}  // namespace
}  // namespace drover::vim
