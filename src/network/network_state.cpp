#include "network/virtual_switches.hpp"

namespace drover::network {

const InterfaceAddress* NetworkState::management_address() const {
    for (const DefaultRoute& route : default_routes) {
        for (const InterfaceAddress& address : addresses) {
            if (address.interface == route.interface && address.family == route.family &&
                !address.link_local && !address.loopback) {
                return &address;
            }
        }
    }
    for (const InterfaceAddress& address : addresses) {
        if (!address.link_local && !address.loopback) return &address;
    }
    return nullptr;
}

}  // namespace drover::network
