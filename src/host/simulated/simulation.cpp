#include "host/simulated/simulation.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace drover::host {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& source, const std::string& field,
                       const std::string& reason) {
    throw std::runtime_error(fmt::format("{}: hypervisor.{}: {}", source, field, reason));
}

class Section {
public:
    Section(const json& object, std::string source) : object_(object), source_(std::move(source)) {}

    std::uint64_t number(const std::string& name, std::uint64_t least, std::uint64_t most,
                         std::uint64_t otherwise) {
        const json* value = find(name);
        if (value == nullptr) return otherwise;
        if (!value->is_number_unsigned() || value->get<std::uint64_t>() < least ||
            value->get<std::uint64_t>() > most) {
            fail(source_, name, fmt::format("must be a number from {} to {}", least, most));
        }
        return value->get<std::uint64_t>();
    }

    std::string text(const std::string& name) {
        const json* value = find(name);
        if (value == nullptr) return {};
        if (!value->is_string()) fail(source_, name, "must be a text");
        return value->get<std::string>();
    }

    const json* find(const std::string& name) {
        known_.insert(name);
        const auto at = object_.find(name);
        return at == object_.end() || at->is_null() ? nullptr : &*at;
    }

    /// Throws if there is more than what was asked for.
    void end() const {
        for (const auto& item : object_.items()) {
            if (!known_.contains(item.key())) fail(source_, item.key(), "is unknown");
        }
    }

    const std::string& source() const { return source_; }

private:
    const json& object_;
    std::string source_;
    std::set<std::string> known_;
};

void read_host(Section& section, hypervisor::HostInfo& host) {
    constexpr std::uint64_t mebibyte = 1 << 20;
    const auto sockets = section.number("cpu_sockets", 1, 64, host.sockets);
    const auto cores = section.number("cores_per_socket", 1, 512, host.cores / host.sockets);
    host.cpu_mhz = static_cast<std::uint32_t>(section.number("cpu_mhz", 100, 10'000, host.cpu_mhz));
    host.memory_bytes =
        section.number("memory_bytes", 64 * mebibyte, 1ULL << 46, host.memory_bytes);
    host.sockets = static_cast<std::uint32_t>(sockets);
    host.cores = static_cast<std::uint32_t>(sockets * cores);
    host.logical_cpus = host.cores;
    host.numa_cells.clear();
    for (std::uint32_t id = 0; id < host.sockets; ++id) {
        hypervisor::NumaCell cell;
        cell.id = id;
        cell.memory_bytes = host.memory_bytes / host.sockets;
        for (std::uint32_t cpu = 0; cpu < host.cores / host.sockets; ++cpu) {
            cell.cpus.push_back(id * (host.cores / host.sockets) + cpu);
        }
        host.numa_cells.push_back(std::move(cell));
    }
}

void read_faults(Section& section, hypervisor::SimulatedOptions& engine) {
    if (const json* faults = section.find("faults")) {
        try {
            engine.faults = hypervisor::simulated::parse_fault_rules(faults->dump());
        } catch (const std::exception& error) {
            throw std::runtime_error(
                fmt::format("{}: hypervisor.{}", section.source(), error.what()));
        }
    }
    engine.faults_file = section.text("faults_file");
    if (!engine.faults_file.empty() && !engine.faults_file.is_absolute()) {
        fail(section.source(), "faults_file", "must be absolute");
    }
}

}  // namespace

hypervisor::SimulatedOptions Simulation::engine_options(
    const std::filesystem::path& state_directory) const {
    auto options = engine;
    options.journal = state_directory / "simulated-domains";
    // A socket's path can't be long; without one machines only leave this host.
    constexpr std::size_t longest_socket_path = 107;
    const auto socket = state_directory / "engine.sock";
    if (socket.native().size() <= longest_socket_path) options.migration_socket = socket;
    return options;
}

std::optional<Simulation> parse_hypervisor_section(const std::string& text,
                                                   const std::string& source) {
    const json object = json::parse(text, nullptr, false);
    if (!object.is_object()) throw std::runtime_error(source + ": hypervisor: must be an object");
    Section section(object, source);
    const std::string kind = section.text("kind");
    if (kind == "libvirt") {
        section.end();
        return std::nullopt;
    }
    if (kind != "simulated") fail(source, "kind", "must be \"libvirt\" or \"simulated\"");
    Simulation made;
    made.engine.host = hypervisor::simulated_host_info();
    constexpr std::uint64_t longest_ms = 3'600'000;
    made.machines =
        static_cast<std::uint32_t>(section.number("machines", 0, Simulation::kMostMachines, 0));
    made.engine.seed = section.number("seed", 0, UINT64_MAX, 1);
    made.engine.guest_boot =
        std::chrono::milliseconds(section.number("guest_boot_ms", 0, longest_ms, 2000));
    made.engine.guest_shutdown =
        std::chrono::milliseconds(section.number("guest_shutdown_ms", 0, longest_ms, 500));
    read_host(section, made.engine.host);
    read_faults(section, made.engine);
    section.end();
    return made;
}

}  // namespace drover::host
