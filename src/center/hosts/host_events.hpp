#pragma once

#include <string>

#include "center/context.hpp"
#include "center/hosts/hosts.hpp"
#include "center/tree/tree.hpp"
#include "vim/hosts_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

/// Where in the tree something happens, names as they are now.
template <class Event>
void set_place(Event& event, const CenterContext& context, const vim::MoRef& compute_resource) {
    const auto name_of = [&](const vim::MoRef& entity) {
        const auto* object = context.inventory.find(entity);
        if (object == nullptr) return std::string();
        return std::string(object->property(vim::property::ManagedEntity::name).as_string());
    };
    if (context.inventory.find(compute_resource) == nullptr) return;
    auto compute = vim::ComputeResourceEventArgument::make();
    compute.set_computeResource(compute_resource);
    compute.set_name(name_of(compute_resource));
    event.set_computeResource(compute);
    const vim::MoRef place = context.tree.datacenter_of(compute_resource);
    if (!place) return;
    auto datacenter = vim::DatacenterEventArgument::make();
    datacenter.set_datacenter(place);
    datacenter.set_name(name_of(place));
    event.set_datacenter(datacenter);
}

/// An event about a host, with what stands above it.
template <class Event>
Event host_event(const CenterContext& context, const Host& host) {
    auto event = Event::make();
    auto argument = vim::HostEventArgument::make();
    argument.set_host(host.ref);
    argument.set_name(host.name);
    event.set_host(argument);
    set_place(event, context, host.compute_resource);
    return event;
}

}  // namespace drover::center
