#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "machine/config.hpp"
#include "vmx/disk_descriptor.hpp"

namespace drover::host {

/// One machine to be made.
struct CastMachine {
    std::string name;
    vmx::VmxFile file;
    vmx::DiskDescriptor disk;
    std::string disk_uuid;
};

/// Makes many machines of one kind: the first is planned as CreateVM_Task would plan it, the others
/// are copies with names, uuids and addresses of their own. That is ten times quicker.
class MachineMold {
public:
    struct Kind {
        std::string_view prefix;    ///< of the names: "web" gives web-00001
        std::string_view guest_id;  ///< as the API has it
        std::int32_t vcpus;
        std::int64_t memory_mb;
        std::int64_t disk_gb;
    };

    /// What a usual server room has.
    static const std::vector<Kind>& kinds();

    /// `datastore` is the name of the datastore, `network` of the network that they join (empty:
    /// none). Throws vim::Fault if such a machine can't be.
    MachineMold(const Kind& kind, const std::string& datastore, const std::string& network,
                const std::string& machine_type, base::Random& random);

    /// The machine of this number (from 1), which is in its names and in its MAC address.
    CastMachine cast(std::uint32_t number, base::Random& random) const;

private:
    std::string own_name(std::uint32_t number) const;

    Kind kind_;
    std::string name_;  ///< of the machine that was planned
    vmx::VmxFile file_;
    vmx::DiskDescriptor disk_;
    std::vector<std::string> named_keys_;  ///< whose values contain the name
};

}  // namespace drover::host
