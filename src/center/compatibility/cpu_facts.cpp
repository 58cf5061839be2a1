#include "center/compatibility/cpu_facts.hpp"

#include "plan/cpu/feature_key.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// A host agent's own reference of itself.
const MoRef kItself{TypeId::HostSystem, "ha-host"};

std::span<const Value> elements_of(const Value& list) {
    return list.kind() == vim::ValueKind::array ? list.elements() : std::span<const Value>{};
}

vim::PropertySpec properties(std::string_view type, const std::vector<std::string_view>& paths) {
    auto spec = vim::PropertySpec::make();
    spec.set_type(type);
    spec.set_pathSet(paths);
    return spec;
}

vim::RetrievePropertiesRequest everything_of_interest() {
    auto machines = vim::TraversalSpec::make();
    machines.set_type("HostSystem");
    machines.set_path("vm");
    auto start = vim::ObjectSpec::make();
    start.set_obj(kItself);
    start.set_selectSet({machines});
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({properties("HostSystem", {"config.featureCapability"}),
                      properties("VirtualMachine", {"name", "runtime.featureRequirement"})});
    spec.set_objectSet({start});
    auto request = vim::RetrievePropertiesRequest::make();
    request.set_specSet({spec});
    return request;
}

}  // namespace

plan::Cpu cpu_of_list(const Value& list) {
    plan::Cpu cpu;
    std::vector<std::string> names;
    for (const Value& each : elements_of(list)) {
        const Value& key = each.property("key");
        if (!key) continue;
        if (const auto vendor = plan::vendor_of_key(key.as_string());
            vendor != plan::CpuVendor::unknown) {
            cpu.vendor = vendor;
        } else if (auto feature = plan::feature_of_key(key.as_string())) {
            names.push_back(*std::move(feature));
        }
    }
    cpu.features = plan::FeatureSet(std::move(names));
    return cpu;
}

const Value& config_of(const CenterContext& context, const MoRef& host) {
    static const Value none{};
    const auto* object = context.inventory.find(host);
    return object == nullptr ? none : object->property(vim::property::HostSystem::config);
}

plan::Cpu offered_by(const CenterContext& context, const MoRef& host) {
    const Value& config = config_of(context, host);
    return config ? cpu_of_list(config.property("featureCapability")) : plan::Cpu{};
}

plan::Cpu shown_by(const CenterContext& context, const MoRef& host) {
    const Value& config = config_of(context, host);
    return config ? cpu_of_list(config.property("maskedFeatureCapability")) : plan::Cpu{};
}

std::string name_of(const CenterContext& context, const MoRef& entity) {
    const auto* object = context.inventory.find(entity);
    if (object == nullptr) return {};
    const Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

std::vector<SeenCpu> machines_on(const CenterContext& context, const MoRef& host) {
    std::vector<SeenCpu> found;
    const auto* object = context.inventory.find(host);
    if (object == nullptr) return found;
    for (const Value& each : elements_of(object->property(vim::property::HostSystem::vm))) {
        const auto* machine = context.inventory.find(each.as_moref());
        if (machine == nullptr) continue;
        const Value& runtime = machine->property(vim::property::VirtualMachine::runtime);
        if (!runtime) continue;
        const Value& list = runtime.property("featureRequirement");
        if (!list) continue;
        found.push_back(
            {machine->ref(), host, name_of(context, machine->ref()), cpu_of_list(list)});
    }
    return found;
}

Awaitable<JoiningHost> ask_host(std::shared_ptr<HostLink> link, std::string name) {
    const Value answer = co_await link->call(
        "RetrieveProperties", link->content().propertyCollector(), everything_of_interest());
    JoiningHost host;
    host.cpu.host = std::move(name);
    for (const Value& item : elements_of(answer)) {
        const vim::ObjectContent object(item);
        SeenCpu machine;
        machine.machine = object.obj();
        for (const auto& property : object.propSet()) {
            if (property.name() == "name") machine.name = property.val().as_string();
            if (property.name() == "config.featureCapability") {
                host.cpu.cpu = cpu_of_list(property.val());
            }
            if (property.name() == "runtime.featureRequirement") {
                machine.cpu = cpu_of_list(property.val());
            }
        }
        if (!machine.cpu.features.empty()) host.machines.push_back(std::move(machine));
    }
    co_return host;
}

}  // namespace drover::center
