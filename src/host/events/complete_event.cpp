#include "host/events/host_history.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::MoRef;

namespace {

std::string name_of(const model::Inventory& inventory, const MoRef& entity) {
    const model::ManagedObject* object = inventory.find(entity);
    if (object == nullptr) return {};
    const vim::Value& name = object->property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

// A client that posts an event names what it is about; it need not know the name.
void add_name(const model::Inventory& inventory, vim::VmEventArgument& argument) {
    if (argument.name().empty()) argument.set_name(name_of(inventory, argument.vm()));
}

bool is_about_host(const vim::Event& event) {
    return event.vm() || event.is<vim::VmEvent>() || event.is<vim::HostEvent>();
}

}  // namespace

void complete_event(const model::Inventory& inventory, vim::Event& event) {
    if (auto argument = event.vm()) {
        add_name(inventory, argument);
        event.set_vm(argument);
    }
    if (!event.host() && is_about_host(event)) {
        auto argument = vim::HostEventArgument::make();
        argument.set_host(references::host);
        argument.set_name(name_of(inventory, references::host));
        event.set_host(argument);
    }
    if (event.host() && !event.computeResource()) {
        auto argument = vim::ComputeResourceEventArgument::make();
        argument.set_computeResource(references::compute_resource);
        argument.set_name(name_of(inventory, references::compute_resource));
        event.set_computeResource(argument);
    }
    if (!event.datacenter() && (event.host() || event.ds() || event.net())) {
        auto argument = vim::DatacenterEventArgument::make();
        argument.set_datacenter(references::datacenter);
        argument.set_name(name_of(inventory, references::datacenter));
        event.set_datacenter(argument);
    }
}

}  // namespace drover::host
