#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/disk_move.hpp"
#include "hypervisor/domain_info.hpp"

// What libvirt's XML of a running domain tells, and the device elements made from it to change a
// device. Texts come from the engine, but hold what guests and foreign tools put there: the parsers
// take anything and throw HypervisorError(internal) for what is no domain.

namespace drover::hypervisor::libvirt {

/// Fills all of a DomainInfo but its id, state and reasons.
DomainInfo parse_live_xml(std::string_view xml);

/// The <disk> element of the drive `target` with other media or none. not_found if there is no such
/// drive; unsupported if it takes no media.
std::string media_change_xml(std::string_view live_xml, std::string_view target,
                             const std::optional<DiskImage>& media);

/// The <interface> element with this MAC address and the link up or down. not_found if none has it.
std::string link_change_xml(std::string_view live_xml, std::string_view mac, bool up);

/// The <disk> element of the disk `target`; not_found if there is none.
std::string disk_xml(std::string_view live_xml, std::string_view target);
/// Every hard disk that is a file, and the file that it is being copied to. Without figures.
std::vector<DiskMove> parse_disk_moves(std::string_view live_xml);
/// The <interface> element with this MAC address; not_found if none has it.
std::string nic_xml(std::string_view live_xml, std::string_view mac);
/// The same, joined to another bridge.
std::string bridge_change_xml(std::string_view live_xml, std::string_view mac,
                              std::string_view bridge);

/// `xml` with the CPU of a saved domain, if it asks for host-model: what that meant was settled
/// when the domain first started, and the guest must keep it. Any other CPU is left as it is.
std::string keep_saved_cpu(const std::string& xml, std::string_view saved_xml);

}  // namespace drover::hypervisor::libvirt
