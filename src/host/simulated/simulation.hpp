#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hypervisor/simulated/simulated_hypervisor.hpp"

namespace drover::host {

/// A host whose machines only seem to run: the "hypervisor" section of the configuration with the
/// kind "simulated".
struct Simulation {
    static constexpr std::uint32_t kMostMachines = 100'000;

    hypervisor::SimulatedOptions engine;  ///< its journal is set by engine_options()
    /// How many machines an empty datastore is filled with at the start.
    std::uint32_t machines = 0;

    /// With the journal in the host's state directory.
    hypervisor::SimulatedOptions engine_options(const std::filesystem::path& state_directory) const;
};

/// Reads the section's JSON. Nothing if its kind is "libvirt". Throws std::runtime_error that names
/// the source, the field and the reason; unknown fields are errors.
std::optional<Simulation> parse_hypervisor_section(const std::string& json,
                                                   const std::string& source);

}  // namespace drover::host
