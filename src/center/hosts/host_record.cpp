#include "center/hosts/host_record.hpp"

#include <nlohmann/json.hpp>

#include "vim/json.hpp"

namespace drover::center {

using nlohmann::json;

namespace {

vim::MoRef reference_of(const json& value) {
    return {vim::find_type(value.at("type").get<std::string>()), value.at("id").get<std::string>()};
}

json json_of(const vim::MoRef& ref) {
    return {{"type", std::string(vim::describe(ref.type).name())}, {"id", ref.id}};
}

}  // namespace

store::Record record_of(const Host& host) {
    const json value{
        {"computeResource", json_of(host.compute_resource)},
        {"uuid", host.uuid},
        {"address", host.target.address},
        {"port", host.target.port},
        {"thumbprint", host.thumbprint},
        {"thumbprintSha256", host.target.thumbprint_sha256},
        {"user", host.target.user},
        {"password", host.target.password},
        {"connected", host.desired == DesiredState::connected},
        {"summary", vim::encode_json_value(host.last_summary.raw(), vim::TypeId::HostListSummary,
                                           vim::newest_release())},
    };
    store::Record record;
    record.kind = kHostKind;
    record.id = host.ref.id;
    record.name = host.name;
    record.parent = host.compute_resource.id;
    record.value = value.dump();
    return record;
}

Host host_of(const store::Record& record) {
    const json value = json::parse(record.value);
    Host host;
    host.ref = {vim::TypeId::HostSystem, record.id};
    host.compute_resource = reference_of(value.at("computeResource"));
    host.uuid = value.at("uuid");
    host.name = record.name;
    host.thumbprint = value.at("thumbprint");
    host.desired =
        value.at("connected").get<bool>() ? DesiredState::connected : DesiredState::disconnected;
    host.target.address = value.at("address");
    host.target.port = value.at("port");
    host.target.thumbprint_sha256 = value.at("thumbprintSha256");
    host.target.user = value.at("user");
    host.target.password = value.at("password");
    host.last_summary = vim::HostListSummary(vim::decode_json_value(
        value.at("summary").get<std::string>(), vim::TypeId::HostListSummary));
    return host;
}

}  // namespace drover::center
