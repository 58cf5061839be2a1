#include "center/events/center_history.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// More levels than any inventory has.
constexpr int kDeepest = 200;

std::string name_of(const model::Inventory& inventory, const MoRef& entity) {
    const model::ManagedObject* object = inventory.find(entity);
    if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) return {};
    const Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

// The nearest entity of a type at or above another.
MoRef above(const model::Inventory& inventory, MoRef at, TypeId type) {
    for (int i = 0; i < kDeepest && at; ++i) {
        const model::ManagedObject* object = inventory.find(at);
        if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) return {};
        if (vim::is_a(object->type(), type)) return object->ref();
        const Value& parent = object->property(vim::property::ManagedEntity::parent);
        at = parent ? parent.as_moref() : MoRef{};
    }
    return {};
}

MoRef host_of(const model::Inventory& inventory, const MoRef& machine) {
    const model::ManagedObject* object = inventory.find(machine);
    if (object == nullptr || object->type() != TypeId::VirtualMachine) return {};
    const Value& runtime = object->property(vim::property::VirtualMachine::runtime);
    if (!runtime) return {};
    const Value& host = runtime.property("host");
    return host ? host.as_moref() : MoRef{};
}

// Where the event happened, as far as it says.
MoRef place_of(const vim::Event& event) {
    if (event.host()) return event.host().host();
    if (event.computeResource()) return event.computeResource().computeResource();
    if (event.vm()) return event.vm().vm();
    if (event.ds()) return event.ds().datastore();
    if (event.net()) return event.net().network();
    return {};
}

}  // namespace

void complete_event(const model::Inventory& inventory, vim::Event& event) {
    if (auto argument = event.vm()) {
        // A client that posts an event names what it is about; it need not know the name.
        if (argument.name().empty()) argument.set_name(name_of(inventory, argument.vm()));
        event.set_vm(argument);
        const MoRef host = event.host() ? MoRef{} : host_of(inventory, argument.vm());
        if (host) {
            auto made = vim::HostEventArgument::make();
            made.set_host(host);
            made.set_name(name_of(inventory, host));
            event.set_host(made);
        }
    }
    if (event.host() && !event.computeResource()) {
        const MoRef compute = above(inventory, event.host().host(), TypeId::ComputeResource);
        if (compute) {
            auto made = vim::ComputeResourceEventArgument::make();
            made.set_computeResource(compute);
            made.set_name(name_of(inventory, compute));
            event.set_computeResource(made);
        }
    }
    if (event.datacenter()) return;
    const MoRef datacenter = above(inventory, place_of(event), TypeId::Datacenter);
    if (!datacenter) return;
    auto made = vim::DatacenterEventArgument::make();
    made.set_datacenter(datacenter);
    made.set_name(name_of(inventory, datacenter));
    event.set_datacenter(made);
}

}  // namespace drover::center
