// Who is at an address: QueryConnectionInfo, QueryConnectionInfoViaSpec, QueryHostConnectionInfo,
// and the first steps of everything that connects a host.

#include <fmt/format.h>

#include <algorithm>

#include "center/hosts/host_operations.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostDepth = 64;

vim::SelectionSpec way(std::string_view type, std::string_view path,
                       const std::vector<vim::SelectionSpec>& next) {
    auto traversal = vim::TraversalSpec::make();
    traversal.set_type(type);
    traversal.set_path(path);
    traversal.set_selectSet(next);
    return traversal;
}

// The HostSystem of a host agent: root folder, datacenter, folder, compute resource, host.
vim::RetrievePropertiesExRequest host_request(const MoRef& root) {
    const auto host = way("ComputeResource", "host", {});
    const auto compute = way("Folder", "childEntity", {host});
    const auto folder = way("Datacenter", "hostFolder", {compute});
    auto start = vim::ObjectSpec::make();
    start.set_obj(root);
    start.set_selectSet({way("Folder", "childEntity", {folder})});
    auto properties = vim::PropertySpec::make();
    properties.set_type("HostSystem");
    properties.set_pathSet({"name"});
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({properties});
    spec.set_objectSet({start});
    auto request = vim::RetrievePropertiesExRequest::make();
    request.set_specSet({spec});
    request.set_options(vim::RetrieveOptions::make());
    return request;
}

Value stripped(const Value& value, std::size_t depth) {
    if (value.kind() == ValueKind::moref || depth > kMostDepth) return {};
    if (value.kind() == ValueKind::array) {
        std::vector<Value> kept;
        for (const Value& each : value.elements()) {
            Value element = stripped(each, depth + 1);
            if (element) kept.push_back(std::move(element));
        }
        if (kept.empty() && !value.elements().empty()) return {};
        return Value::array(value.type(), std::move(kept));
    }
    if (value.kind() != ValueKind::object) return value;
    Value made = value;
    const auto slots = value.slots();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (slots[i]) made.set_slot(i, stripped(slots[i], depth + 1));
    }
    return made;
}

vim::Fault no_host_agent(const std::string& name, std::string_view what) {
    return vim::make_fault<vim::HostConnectFault>(
        fmt::format("What answers at {} is no host: {}.", name, what));
}

}  // namespace

Value without_references(const Value& value) {
    return stripped(value, 0);
}

Awaitable<HostOperations::Found> HostOperations::look(vim::HostConnectSpec spec,
                                                      std::string expected_thumbprint) {
    if (!spec.hostName() || spec.hostName()->empty()) {
        throw vim::invalid_argument("spec.hostName", "It says which host: a name or an address.");
    }
    Found found;
    found.address = parse_host_address(*spec.hostName(), spec.port(), "spec.hostName");
    found.thumbprints = co_await look_at_certificate(context_.runtime, found.address);
    require_certificate(found.thumbprints, expected_thumbprint, found.address.name());
    LinkTarget target;
    target.address = found.address.address;
    target.port = found.address.port;
    target.thumbprint_sha256 = found.thumbprints.sha256;
    target.user = spec.userName().value_or("");
    target.password = spec.password().value_or("");
    found.link = std::make_shared<HostLink>(context_.runtime, target);
    co_await found.link->connect();
    const auto& content = found.link->content();
    if (content.about().apiType() != "HostAgent") {
        throw no_host_agent(found.address.name(), content.about().apiType());
    }
    const Value answer = co_await found.link->call(
        "RetrievePropertiesEx", content.propertyCollector(), host_request(content.rootFolder()));
    const vim::RetrieveResult result(answer);
    if (!result || result.objects().empty()) {
        throw no_host_agent(found.address.name(), "it has no HostSystem");
    }
    found.info = vim::HostConnectInfo(
        co_await found.link->call("QueryHostConnectionInfo", result.objects()[0].obj()));
    if (!found.info || !found.info.host() || !found.info.host().hardware()) {
        throw no_host_agent(found.address.name(), "it does not say what it is");
    }
    found.uuid = found.info.host().hardware().uuid();
    found.manager = found.info.host().managementServerIp().value_or("");
    co_return found;
}

Awaitable<std::shared_ptr<HostLink>> Hosts::look(Value connect_spec) {
    const vim::HostConnectSpec spec(connect_spec);
    const auto found =
        co_await operations_->look(spec, std::string(spec.sslThumbprint().value_or("")));
    co_return found.link;
}

Awaitable<Value> HostOperations::query_connection(vim::HostConnectSpec spec) {
    const Found found = co_await look(spec, std::string(spec.sslThumbprint().value_or("")));
    vim::HostConnectInfo info(without_references(found.info.raw()));
    if (!found.manager.empty()) info.set_serverIp(found.manager);
    co_return info.raw();
}

Awaitable<Value> HostOperations::query_own(task::Call call) {
    const Host& host = get(call.self);
    const auto& content = host.link->content();
    if (!content) {
        throw vim::make_fault<vim::HostNotConnected>(
            fmt::format("The host {} is not connected.", host.name));
    }
    HostLink& link = *host.link;
    const Value answer = co_await link.call("RetrievePropertiesEx", content.propertyCollector(),
                                            host_request(content.rootFolder()));
    const vim::RetrieveResult result(answer);
    if (!result || result.objects().empty()) throw no_host_agent("the address", "it shows none");
    const Host& still = get(call.self);
    vim::HostConnectInfo info(without_references(
        co_await still.link->call("QueryHostConnectionInfo", result.objects()[0].obj())));
    auto summary = info.host();
    if (!summary) co_return info.raw();
    summary.set_host(call.self);
    info.set_host(summary);
    info.set_serverIp(context_.config.management_address);
    co_return info.raw();
}

}  // namespace drover::center
