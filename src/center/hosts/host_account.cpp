#include "center/hosts/host_account.hpp"

#include "base/log.hpp"
#include "service/availability_option.hpp"
#include "service/pools/machine_parts.hpp"
#include "vim/hosts_types.hpp"
#include "vim/management_types.hpp"
#include "vim/security_types.hpp"

namespace drover::center {

using task::Awaitable;

namespace {

constexpr std::int32_t kAdministrator = -1;
constexpr std::chrono::milliseconds kConnectLimit{3000};

vim::MoRef required(const std::optional<vim::MoRef>& manager, const char* what) {
    if (manager) return *manager;
    throw vim::make_fault<vim::HostConnectFault>(std::string("The host has no ") + what + ".");
}

// No effect on a host that has no such option.
Awaitable<void> set_option(HostLink& link, std::string key, std::string value) {
    const auto options = link.content().setting();
    if (!options) co_return;
    auto option = vim::OptionValue::make();
    option.set_key(key);
    option.set_value(vim::Value::string(value));
    auto request = vim::UpdateOptionsRequest::make();
    request.set_changedValue({option});
    try {
        co_await link.call("UpdateOptions", *options, request);
    } catch (const vim::Fault& fault) {
        if (!fault.fault().is<vim::InvalidName>()) throw;
    }
}

}  // namespace

HostAccount HostAccount::make(base::Random& random) {
    return {"drover-center-" + random.hex(4), random.hex(24)};
}

Awaitable<void> create_account(HostLink& link, HostAccount account, std::string description) {
    const auto accounts = required(link.content().accountManager(), "accounts");
    const auto permissions = required(link.content().authorizationManager(), "permissions");
    auto spec = vim::HostAccountSpec::make();
    spec.set_id(account.user);
    spec.set_password(account.password);
    spec.set_description(description);
    auto create = vim::CreateUserRequest::make();
    create.set_user(spec);
    co_await link.call("CreateUser", accounts, create);
    auto permission = vim::Permission::make();
    permission.set_principal(account.user);
    permission.set_group(false);
    permission.set_roleId(kAdministrator);
    permission.set_propagate(true);
    auto grant = vim::SetEntityPermissionsRequest::make();
    grant.set_entity(link.content().rootFolder());
    grant.set_permission({permission});
    std::exception_ptr failure;
    try {
        co_await link.call("SetEntityPermissions", permissions, grant);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    co_await remove_account(link, account.user);
    std::rethrow_exception(failure);
}

Awaitable<void> remove_account(HostLink& link, std::string user) {
    auto request = vim::RemoveUserRequest::make();
    request.set_userName(user);
    try {
        co_await link.call("RemoveUser", required(link.content().accountManager(), "accounts"),
                           request);
    } catch (const vim::Fault& fault) {
        if (!fault.fault().is<vim::UserNotFound>()) throw;
    }
}

Awaitable<void> set_manager(HostLink& link, std::string address) {
    return set_option(link, std::string(kManagerOption), std::move(address));
}

Awaitable<void> leave_host(task::Runtime& runtime, LinkTarget target, std::string manager) {
    LinkLimits limits;
    limits.connect = kConnectLimit;
    HostLink link(runtime, target, limits);
    try {
        co_await link.connect();
    } catch (const vim::Fault& fault) {
        const bool is_refused =
            fault.fault().is<vim::InvalidLogin>() || fault.fault().is<vim::NoPermission>();
        if (!is_refused) throw;
        base::log_debug("host {}: the account {} is not there", target.address, target.user);
        co_return;
    }
    // What the center's pools came to is no longer true of the machines.
    if (manager.empty()) {
        co_await set_option(link, std::string(service::kMachinePartsOption), {});
        co_await set_option(link, std::string(service::kAvailabilityOption), {});
    }
    co_await set_manager(link, manager);
    co_await remove_account(link, target.user);
}

}  // namespace drover::center
