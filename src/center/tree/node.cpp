#include "center/tree/node.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "service/history/history_item.hpp"

namespace drover::center {

using nlohmann::json;
using vim::TypeId;

namespace {

TypeId type_from(std::string_view name) {
    for (const TypeId type : {TypeId::Folder, TypeId::Datacenter, TypeId::ComputeResource,
                              TypeId::ClusterComputeResource, TypeId::ResourcePool}) {
        if (vim::describe(type).name() == name) return type;
    }
    throw std::runtime_error("unknown type");
}

FolderKind kind_from(const std::string& text) {
    for (const FolderKind kind : {FolderKind::datacenter, FolderKind::machine, FolderKind::host,
                                  FolderKind::datastore, FolderKind::network}) {
        if (text == std::string(1, static_cast<char>(kind))) return kind;
    }
    throw std::runtime_error("unknown kind of folder");
}

}  // namespace

store::Record record_of(const Node& node) {
    json value{{"type", vim::describe(node.ref.type).name()}, {"fixed", node.is_fixed}};
    if (node.ref.type == TypeId::Folder) {
        value["kind"] = std::string(1, static_cast<char>(node.kind));
    }
    if (node.parent) value["parentType"] = vim::describe(node.parent.type).name();
    if (node.config) value["config"] = service::to_stored(node.config);
    if (node.pool) value["pool"] = service::record_of(*node.pool).value;
    store::Record record;
    record.kind = kTreeKind;
    record.id = node.ref.id;
    record.name = node.name;
    record.parent = node.parent.id;
    record.value = value.dump();
    return record;
}

Node node_from_record(const store::Record& record) {
    const json value = json::parse(record.value);
    Node node;
    node.ref = {type_from(value.at("type").get<std::string>()), record.id};
    node.name = record.name;
    node.is_fixed = value.at("fixed").get<bool>();
    if (!record.parent.empty()) {
        node.parent = {type_from(value.at("parentType").get<std::string>()), record.parent};
    }
    if (node.ref.type == TypeId::Folder) node.kind = kind_from(value.at("kind").get<std::string>());
    if (value.contains("config")) {
        node.config = service::from_stored(value["config"].get<std::string>());
        if (!node.config) throw std::runtime_error("its configuration can't be read");
    }
    if (node.ref.type == TypeId::ResourcePool) {
        store::Record pool;
        pool.id = record.id;
        pool.value = value.at("pool").get<std::string>();
        node.pool = service::pool_from_record(pool);
    }
    return node;
}

}  // namespace drover::center
