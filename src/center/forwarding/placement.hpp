#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "center/forwarding/forwarding_impl.hpp"

namespace drover::center {

/// "[name] dir/file" -> "name"; empty if it is no path of a datastore.
std::string_view datastore_name(std::string_view path);

/// The host of a compute resource that a new machine goes to: `wanted` if it is set, else the
/// connected one out of maintenance with the most free memory, of those that have all these
/// datastores. InvalidArgument("host") for a host of another compute resource, HostNotConnected,
/// InvalidDatastore, InvalidState where none fits.
Host& choose_host(Forwarding::Impl& impl, const vim::MoRef& compute_resource,
                  const vim::MoRef& wanted, const std::vector<std::string>& datastores);

/// A connected host of the datacenter that reaches all these datastores. InvalidDatastore for a
/// name that the datacenter does not have, InvalidState where no connected host has them all.
Host& choose_host_for_files(Forwarding::Impl& impl, const vim::MoRef& datacenter,
                            const std::vector<std::string>& datastores);

}  // namespace drover::center
