// Disks of a running domain on their way to other files: libvirt's block copy, which is QEMU's
// mirror. Which flags, and why:
//   * TRANSIENT_JOB: our domains are transient, and whoever started the copy looks after it.
//   * REUSE_EXT: the file is the datastore's, made beforehand with the rights that it needs.
//   * SYNCHRONOUS_WRITES: a write ends when it is in both files. So copying always comes to its
//     end, and from `ready` on either file is good should QEMU be killed.
//   * not SHALLOW: all layers become one.

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "base/log.hpp"
#include "hypervisor/libvirt/device_xml.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor::libvirt {
namespace {

std::string destination_disk_xml(const DiskImage& to) {
    pugi::xml_document document;
    auto disk = document.append_child("disk");
    disk.append_attribute("type").set_value("file");
    disk.append_child("driver").append_attribute("type").set_value(name_of(to.format));
    disk.append_child("source").append_attribute("file").set_value(to.path.c_str());
    std::ostringstream text;
    disk.print(text);
    return text.str();
}

bool is_moving(virDomainPtr domain, const std::string& target) {
    const auto all = parse_disk_moves(live_xml(domain));
    const auto found = std::ranges::find(all, target, &DiskMove::target);
    return found != all.end() && !found->destination_path.empty();
}

// A copy ends while the guest stands still, for some milliseconds: QEMU 7.2 was seen to hang and
// then to fail an assertion (bdrv_co_write_req_prepare) when a complete copy ended under a guest
// that was writing.
class Standstill {
public:
    explicit Standstill(virDomainPtr domain) : domain_(domain) {
        int state = 0;
        int reason = 0;
        if (virDomainGetState(domain, &state, &reason, 0) < 0) throw_last_error("read the state");
        if (state != VIR_DOMAIN_RUNNING) return;
        if (virDomainSuspend(domain) < 0) throw_last_error("pause");
        ours_ = true;
    }
    ~Standstill() {
        if (ours_ && virDomainResume(domain_) < 0)
            base::log_error("a guest whose disk was moved can't be resumed");
    }
    Standstill(const Standstill&) = delete;
    Standstill& operator=(const Standstill&) = delete;

private:
    virDomainPtr domain_;
    bool ours_ = false;
};

int end_copy(virDomainPtr domain, const std::string& target, unsigned flags) {
    const Standstill standstill(domain);
    return virDomainBlockJobAbort(domain, target.c_str(), flags);
}

}  // namespace

void begin_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target,
                     const DiskImage& to) {
    const auto domain = look_up(connection, uuid);
    const std::string xml = destination_disk_xml(to);
    constexpr unsigned flags = VIR_DOMAIN_BLOCK_COPY_REUSE_EXT |
                               VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB |
                               VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES;
    if (virDomainBlockCopy(domain.get(), target.c_str(), xml.c_str(), nullptr, 0, flags) < 0)
        throw_last_error(fmt::format("copy disk {}", target));
}

std::vector<DiskMove> disk_moves(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    auto all = parse_disk_moves(live_xml(domain.get()));
    for (DiskMove& move : all) {
        if (move.destination_path.empty()) continue;
        virDomainBlockJobInfo info{};
        // A copy that ends in this moment has no figures any more.
        if (virDomainGetBlockJobInfo(domain.get(), move.target.c_str(), &info, 0) != 1) continue;
        move.copied_bytes = info.cur;
        move.total_bytes = info.end;
    }
    return all;
}

void finish_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target) {
    const auto domain = look_up(connection, uuid);
    const auto all = parse_disk_moves(live_xml(domain.get()));
    const auto found = std::ranges::find(all, target, &DiskMove::target);
    if (found == all.end() || !found->ready)
        throw HypervisorError(ErrorKind::invalid_state,
                              fmt::format("the copy of disk {} is not complete", target));
    if (end_copy(domain.get(), target, VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT) == 0) return;
    // Whether it was switched all the same says the domain.
    const auto now = parse_disk_moves(live_xml(domain.get()));
    const auto at = std::ranges::find(now, target, &DiskMove::target);
    if (at != now.end() && at->path == found->destination_path) return;
    throw HypervisorError(ErrorKind::internal, fmt::format("disk {} was not switched", target));
}

void cancel_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target) {
    const auto domain = look_up(connection, uuid);
    if (!is_moving(domain.get(), target)) return;
    if (end_copy(domain.get(), target, 0) == 0) return;
    // It may just have ended by itself.
    if (is_moving(domain.get(), target))
        throw HypervisorError(ErrorKind::internal,
                              fmt::format("the copy of disk {} does not stop", target));
}

}  // namespace drover::hypervisor::libvirt
