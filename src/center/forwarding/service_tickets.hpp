#pragma once

#include "center/hosts/hosts.hpp"
#include "center/mirror/mirror.hpp"
#include "task/dispatcher.hpp"

namespace drover::center {

/// AcquireGenericServiceTicket for a URL of a host: clients such as govmomi fetch and send files of
/// datastores there directly. The ticket is one of that host; who may have it is decided here, by
/// the caller's privileges on the datastore. URLs of the center itself stay with the session
/// manager, which must have been served before. All arguments must outlive the dispatcher's calls.
void serve_host_tickets(CenterContext& context, Hosts& hosts, Mirror& mirror,
                        task::PrivilegeCheck may);

}  // namespace drover::center
