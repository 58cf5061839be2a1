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

}  // namespace drover::hypervisor
