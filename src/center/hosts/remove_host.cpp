// Destroy_Task of a host: it leaves the inventory, and the center leaves the host.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/hosts/host_operations.hpp"
#include "center/hosts/host_record.hpp"
#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

Awaitable<void> HostOperations::remove(MoRef ref, std::string user) {
    Host& host = get(ref);
    const HostTurn turn(*this, host);
    const std::string name = host.name;
    const bool is_alone = host.compute_resource.type == TypeId::ComputeResource;
    const json parameters{{"host", ref.id},
                          {"computeResource", is_alone ? host.compute_resource.id : ""},
                          {"address", host.target.address},
                          {"port", host.target.port},
                          {"thumbprint", host.target.thumbprint_sha256},
                          {"user", host.target.user},
                          {"password", host.target.password}};
    co_await context_.sagas.run(removing(parameters.dump()));
    base::log_info("audit: '{}' removed the host {}", user, name);
}

task::Saga HostOperations::removing(std::string parameters) {
    const json values = json::parse(parameters);
    const MoRef host{TypeId::HostSystem, values.at("host").get<std::string>()};
    const MoRef compute{TypeId::ComputeResource, values.at("computeResource").get<std::string>()};
    LinkTarget target;
    target.address = values.at("address");
    target.port = values.at("port");
    target.thumbprint_sha256 = values.at("thumbprint");
    target.user = values.at("user");
    target.password = values.at("password");
    task::Saga saga;
    saga.kind = "host.remove";
    saga.parameters = std::move(parameters);
    // Once this is noted there is no way back.
    saga.steps.push_back({"decision", []() -> Awaitable<void> { co_return; }, {}, true});
    saga.steps.push_back({"record",
                          [this, host]() -> Awaitable<void> {
                              store::Batch batch;
                              batch.remove(std::string(kHostKind), host.id);
                              co_await commit(context_, std::move(batch));
                              hosts_.forget(host);
                          },
                          {}});
    saga.steps.push_back({"compute resource",
                          [this, compute]() -> Awaitable<void> {
                              if (compute) co_await context_.tree.remove_compute_resource(compute);
                          },
                          {}});
    // A host that can't be reached keeps the account; its next center, or its administrator, may
    // remove it.
    saga.steps.push_back({"account",
                          [this, target]() -> Awaitable<void> {
                              try {
                                  co_await leave_host(context_.runtime, target, {});
                              } catch (const vim::Fault& fault) {
                                  base::log_warning("the account {} stays on the host {}: {}",
                                                    target.user, target.address, fault.message());
                              }
                          },
                          {}});
    return saga;
}

}  // namespace drover::center
