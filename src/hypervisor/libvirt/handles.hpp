#pragma once

// libvirt's reference-counted C objects as C++ owners. Private to libvirt/.

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>

namespace drover::hypervisor::libvirt {

/// Shared, because a call under way keeps its connection while a new one takes its place.
using ConnectionHandle = std::shared_ptr<virConnect>;

struct DomainFree {
    void operator()(virDomain* domain) const { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainFree>;

struct StreamFree {
    void operator()(virStream* stream) const { virStreamFree(stream); }
};
using StreamHandle = std::unique_ptr<virStream, StreamFree>;

struct MallocFree {
    void operator()(void* memory) const { std::free(memory); }
};
using CString = std::unique_ptr<char, MallocFree>;

}  // namespace drover::hypervisor::libvirt
