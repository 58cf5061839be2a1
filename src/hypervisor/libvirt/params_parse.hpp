#pragma once

#include "hypervisor/domain_info.hpp"
#include "hypervisor/libvirt/typed_params.hpp"
#include "hypervisor/migration.hpp"

// libvirt's flat lists of named values ("block.0.rd.bytes") as our structures. Pure. Counts are
// bounded: what a hostile guest agent claims beyond them is dropped.

namespace drover::hypervisor::libvirt {

DomainState domain_state(int libvirt_state);
PausedReason paused_reason(int libvirt_reason);

/// All of a DomainStats but uuid and taken_at.
DomainStats parse_stats(const TypedParams& params);

/// Of a job's statistics; the phase is left to who knows the domain's state, except that a job
/// without any figures is still preparing.
MigrationProgress parse_migration_progress(const TypedParams& params);

GuestInfo parse_guest_info(const TypedParams& params);

}  // namespace drover::hypervisor::libvirt
