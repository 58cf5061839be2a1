#pragma once

// Who is who: the references that machines, datastores and networks have for life, and what has to
// be known of them while their hosts don't answer. Kept in the store.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "store/store.hpp"
#include "vim/types.hpp"

namespace drover::center {

struct HostMirror;

/// One host that has a machine registered.
struct Sighting {
    HostMirror* host = nullptr;
    std::string id;  ///< the host's
    std::string path;
    bool runs = false;
};

/// A machine that is on its way from one host to another.
struct ExpectedMove {
    vim::MoRef from;
    vim::MoRef to;
    base::SteadyTime until;
};

struct Machine {
    vim::MoRef ref;
    std::string uuid;  ///< instanceUuid; may be empty
    std::string path;  ///< of the .vmx, the same on every host that sees it (see path_key)
    vim::MoRef host;   ///< where it is, or was last seen
    std::string host_id;
    vim::MoRef folder;
    vim::MoRef pool;  ///< kept for templates too, which show none
    std::string name;
    bool is_template = false;
    vim::Value summary;  ///< VirtualMachineConfigSummary, with the center's references

    // What is not stored.
    std::vector<Sighting> sightings;    ///< oldest first
    const HostMirror* shown = nullptr;  ///< whose words are published
    std::string shown_id;
    std::optional<ExpectedMove> move;
    std::optional<base::SteadyTime> missing_until;  ///< then it is gone, unless it is seen
    vim::MoRef listed_on;                           ///< the host whose list of machines has it
    bool published = false;
    /// What the guest said before the machine moved, until it is heard at its new host.
    vim::Value guest_before;
};

/// A datastore or a network, which several hosts of a datacenter may have.
struct Shared {
    vim::MoRef ref;
    std::string key;  ///< a datastore's URL, a network's name
    vim::MoRef datacenter;
    vim::MoRef folder;  ///< where it was moved to; unset: the datacenter's own
    std::string name;
    std::map<std::string, std::string> hosts;  ///< host-9 -> the host's id of it

    // What is not stored.
    std::unordered_set<std::string> seen_on;  ///< hosts whose picture has it
    std::vector<vim::MoRef> listed_on;        ///< hosts whose lists have it
    bool is_renaming = false;                 ///< it has the name of another one
    bool published = false;
};

/// What a host says of a machine's identity.
struct Identity {
    std::string uuid;
    std::string path;
    vim::MoRef host;
    std::string host_id;
};

/// Belongs to the strand.
class Registry {
public:
    static constexpr std::string_view kMachine = "machine";
    static constexpr std::string_view kDatastore = "datastore";
    static constexpr std::string_view kNetwork = "network";

    /// Records that can't be read are reported and passed over.
    void load(const std::vector<store::Record>& machines,
              const std::vector<store::Record>& datastores,
              const std::vector<store::Record>& networks);

    /// The machine that this is: one of the same uuid and path; or of the same uuid, if its file is
    /// moving or it is seen nowhere; or one that this very host had under this id. Null: a new one.
    Machine* match(const Identity& identity);
    Machine& add_machine(vim::MoRef ref);
    /// After its uuid or anything stored changed.
    void changed(Machine& machine);
    void remove(Machine& machine);
    Machine* find_machine(std::string_view id);
    const Machine* find_machine(std::string_view id) const;
    const std::unordered_map<std::string, std::unique_ptr<Machine>>& machines() const {
        return machines_;
    }

    Shared* match_shared(vim::TypeId type, const vim::MoRef& datacenter, std::string_view key);
    Shared& add_shared(vim::MoRef ref, const vim::MoRef& datacenter, std::string key);
    void changed(Shared& shared);
    void remove(Shared& shared);
    Shared* find_shared(std::string_view id);
    const Shared* find_shared(std::string_view id) const;
    const std::map<std::string, std::unique_ptr<Shared>>& shared() const { return shared_; }

    /// What changed since the last time, to be committed.
    store::Batch take_batch();
    bool has_changes() const { return !changes_.empty(); }

private:
    void index(Machine& machine);

    std::unordered_map<std::string, std::unique_ptr<Machine>> machines_;
    std::unordered_multimap<std::string, Machine*> by_uuid_;
    std::unordered_map<std::string, std::string> indexed_uuid_;  // of each machine's reference
    std::unordered_map<std::string, Machine*> by_place_;         // host-9/<the host's id>
    std::unordered_map<std::string, std::string> indexed_place_;
    std::map<std::string, std::unique_ptr<Shared>> shared_;
    std::unordered_map<std::string, Shared*> by_key_;
    std::map<std::string, std::string_view> changes_;  // reference id -> kind
};

/// Which of the hosts that have a machine is to be believed: one that answers and runs it, one that
/// runs it as far as is known, the one that is believed now, the oldest. Null if there is none.
const Sighting* choose_sighting(const Machine& machine);

}  // namespace drover::center
