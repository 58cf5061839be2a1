#include "hypervisor/simulated/simulated_hypervisor.hpp"

namespace drover::hypervisor {

HostInfo simulated_host_info() {
    constexpr std::uint32_t cores_in_socket = 32;
    constexpr std::uint32_t sockets = 2;
    constexpr std::uint64_t gibibyte = 1ULL << 30;
    HostInfo host;
    host.host_name = "simulated";
    host.libvirt_version = "9.0.0";
    host.qemu_version = "7.2.0";
    host.accelerator = Accelerator::kvm;
    host.cpu_vendor = "AMD";
    host.cpu_model = "EPYC-Rome";
    host.cpu_brand = "Simulated CPU @ 2.50GHz";
    host.cpu_mhz = 2500;
    host.sockets = sockets;
    host.cores = sockets * cores_in_socket;
    host.threads_per_core = 1;
    host.logical_cpus = host.cores;
    host.cpu_features = {"aes", "avx", "avx2", "svm"};
    host.memory_bytes = 2048 * gibibyte;
    for (std::uint32_t id = 0; id < sockets; ++id) {
        NumaCell cell;
        cell.id = id;
        cell.memory_bytes = host.memory_bytes / sockets;
        for (std::uint32_t cpu = 0; cpu < cores_in_socket; ++cpu) {
            cell.cpus.push_back(id * cores_in_socket + cpu);
        }
        host.numa_cells.push_back(std::move(cell));
    }
    host.machine_types = {"pc-i440fx-7.2", "pc-q35-7.2"};
    host.default_machine_type = "pc-i440fx-7.2";
    host.uefi_firmware.push_back({.loader_path = "/usr/share/OVMF/OVMF_CODE_4M.fd",
                                  .nvram_template = "/usr/share/OVMF/OVMF_VARS_4M.fd",
                                  .machine_patterns = {"pc-i440fx-*", "pc-q35-*"}});
    return host;
}

}  // namespace drover::hypervisor
