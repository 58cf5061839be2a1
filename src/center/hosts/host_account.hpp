#pragma once

// What the center leaves on a host: an account of its own, and the host's knowledge of who manages
// it.

#include <memory>
#include <string>

#include "base/random.hpp"
#include "center/link/host_link.hpp"

namespace drover::center {

/// The option of a host that says which center manages it.
inline constexpr std::string_view kManagerOption = "Drover.managementServerIp";

struct HostAccount {
    std::string user;
    std::string password;

    /// "drover-center-<8 hex>" with a password of 192 random bits.
    static HostAccount make(base::Random& random);
};

/// Creates the account as Administrator of everything on the host. All or nothing, as long as the
/// host answers. `link` is an administrator's. AlreadyExists, NoPermission.
task::Awaitable<void> create_account(HostLink& link, HostAccount account, std::string description);

/// Removes it. No effect if it is not there.
task::Awaitable<void> remove_account(HostLink& link, std::string user);

/// Says who manages the host; an empty address: nobody. Hosts without the option know no manager.
task::Awaitable<void> set_manager(HostLink& link, std::string address);

/// Undoes what the center did to a host, as the account itself: the manager becomes `manager`, the
/// account goes, and if there is no manager any more, so do the parts of its pools. No effect if
/// the account is not accepted; throws if the host can't be asked.
task::Awaitable<void> leave_host(task::Runtime& runtime, LinkTarget target, std::string manager);

}  // namespace drover::center
