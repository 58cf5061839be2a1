#include "hypervisor/hypervisor.hpp"

namespace drover::hypervisor {
namespace {

[[noreturn]] void refuse(const char* what) {
    throw HypervisorError(ErrorKind::unsupported, std::string(what) + " is not supported here");
}

}  // namespace

void Hypervisor::press_keys(const DomainUuid&, const std::vector<std::uint32_t>&) {
    refuse("pressing keys");
}
void Hypervisor::inject_nmi(const DomainUuid&) {
    refuse("a non-maskable interrupt");
}
void Hypervisor::sleep_guest(const DomainUuid&) {
    refuse("sleep of the guest");
}
void Hypervisor::attach_disk(const DomainUuid&, const DomainSpec&, const DiskSpec&) {
    refuse("plugging in a disk");
}
void Hypervisor::attach_nic(const DomainUuid&, const NicSpec&) {
    refuse("plugging in a network card");
}
void Hypervisor::detach_disk(const DomainUuid&, const std::string&) {
    refuse("unplugging a disk");
}
void Hypervisor::detach_nic(const DomainUuid&, const std::string&) {
    refuse("unplugging a network card");
}
void Hypervisor::set_bridge(const DomainUuid&, const std::string&, const std::string&) {
    refuse("joining another network");
}

void Hypervisor::begin_disk_move(const DomainUuid&, const std::string&, const DiskImage&) {
    refuse("moving a disk of a running domain");
}
std::vector<DiskMove> Hypervisor::disk_moves(const DomainUuid&) {
    refuse("moving a disk of a running domain");
}
void Hypervisor::finish_disk_move(const DomainUuid&, const std::string&) {
    refuse("moving a disk of a running domain");
}
void Hypervisor::cancel_disk_move(const DomainUuid&, const std::string&) {}
void Hypervisor::move_nvram(const DomainUuid&, const std::string&) {
    refuse("moving the firmware's variables of a running domain");
}

std::string Hypervisor::migration_socket() {
    return {};
}
void Hypervisor::expect_migration(const IncomingDomain&) {
    refuse("taking a domain from another host");
}
void Hypervisor::forget_migration(const DomainUuid&) {}
MigrationResult Hypervisor::migrate(const DomainUuid&, const MigrationSpec&) {
    refuse("moving to another host");
}
std::optional<MigrationProgress> Hypervisor::migration_progress(const DomainUuid&) {
    return std::nullopt;
}
void Hypervisor::cancel_migration(const DomainUuid&) {}
void Hypervisor::start_post_copy(const DomainUuid&) {
    refuse("post-copy");
}
std::string Hypervisor::cpu_of(const DomainUuid&) {
    refuse("describing a CPU");
}
void Hypervisor::check_cpu(const std::string&) {
    refuse("comparing CPUs");
}

}  // namespace drover::hypervisor
