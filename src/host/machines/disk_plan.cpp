#include "host/machines/disk_plan.hpp"

#include "host/datastores.hpp"

namespace drover::host {

using nlohmann::json;

json to_json(const machine::DiskToCreate& disk) {
    return {{"file", disk.file},
            {"capacity_bytes", disk.capacity_bytes},
            {"provisioning", static_cast<int>(disk.provisioning)},
            {"parent", disk.parent},
            {"adapter", disk.adapter},
            {"replace", disk.replace}};
}

machine::DiskToCreate disk_from_json(const json& json) {
    machine::DiskToCreate disk;
    disk.file = json.at("file").get<std::string>();
    disk.capacity_bytes = json.at("capacity_bytes").get<std::int64_t>();
    disk.provisioning = static_cast<machine::Provisioning>(json.at("provisioning").get<int>());
    disk.parent = json.at("parent").get<std::string>();
    disk.adapter = json.at("adapter").get<std::string>();
    disk.replace = json.at("replace").get<bool>();
    return disk;
}

storage::DiskSpec storage_spec(const machine::DiskToCreate& disk) {
    storage::DiskSpec spec;
    spec.capacity_bytes = static_cast<std::uint64_t>(disk.capacity_bytes);
    switch (disk.provisioning) {
        case machine::Provisioning::thin:
            spec.provisioning = storage::Provisioning::thin;
            break;
        case machine::Provisioning::thick_lazy:
            spec.provisioning = storage::Provisioning::thick_lazy;
            break;
        case machine::Provisioning::thick_eager:
            spec.provisioning = storage::Provisioning::thick_eager;
            break;
    }
    if (!disk.adapter.empty()) spec.adapter_type = disk.adapter;
    if (!disk.parent.empty()) spec.parent = path_of(disk.parent);
    return spec;
}

storage::DatastorePath path_of(const std::string& text) {
    return Datastores::parse_path(text);
}

}  // namespace drover::host
