#pragma once

// Disks that an operation makes, as they stand in a saga's parameters and as storage wants them.

#include <nlohmann/json.hpp>

#include "machine/reconfigure.hpp"
#include "storage/volumes.hpp"

namespace drover::host {

nlohmann::json to_json(const machine::DiskToCreate& disk);
machine::DiskToCreate disk_from_json(const nlohmann::json& json);

storage::DiskSpec storage_spec(const machine::DiskToCreate& disk);

/// The path of a file that was checked before.
storage::DatastorePath path_of(const std::string& text);

}  // namespace drover::host
