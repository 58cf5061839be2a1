#pragma once

// What the parts of the mirror share. Only src/center/mirror includes it.

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "center/context.hpp"
#include "center/mirror/host_mirror.hpp"
#include "center/mirror/mirror.hpp"
#include "center/mirror/registry.hpp"
#include "center/mirror/translate.hpp"
#include "center/tree/numbers.hpp"

namespace drover::center {

/// What is published under a host's number, or with a datastore.
struct OwnHome {
    HostMirror* host;
    vim::MoRef ref;
};

struct MirrorState {
    explicit MirrorState(CenterContext& the_context) : context(the_context) {}

    CenterContext& context;
    Registry registry;
    std::map<std::string, std::unique_ptr<HostMirror>> hosts;  ///< by host-9
    std::unordered_map<std::string, OwnHome> own_home;         ///< by the center's id

    struct Expectation {
        Mirror::ExpectedKey key;
        Mirror::Expected expected;
        base::SteadyTime until;
    };
    std::vector<Expectation> expected;

    bool names_changed = false;  ///< of machines, or their folders: two may have one now

    HostMirror* find(const vim::MoRef& host) const;
    base::SteadyTime now() const { return context.runtime.clock().steady_now(); }

    /// The datacenter that a host's datastores and networks belong to.
    vim::MoRef datacenter_of(const HostMirror& host) const;
    /// The center's reference, unset if there is none.
    vim::MoRef center_ref(const HostMirror& host, vim::TypeId type, std::string_view id) const;
    vim::Value to_center(const HostMirror& host, const vim::Value& value) const;
    /// The host whose words about a datastore or network count: one that answers and reaches it.
    const HostMirror* speaker_of(const Shared& shared) const;
};

/// From a host's references to the center's.
class ToCenter final : public ReferenceMap {
public:
    ToCenter(const MirrorState& state, const HostMirror& host) : state_(state), host_(host) {}
    vim::Value map(const vim::Value& reference) const override;

private:
    const MirrorState& state_;
    const HostMirror& host_;
};

/// The id of the browser that goes with a datastore.
std::string browser_id(const vim::MoRef& datastore);

/// Properties that the center alone knows, or that it puts together itself.
bool is_centers_own(vim::TypeId type, model::PropertyIndex property);
/// All properties of an object, or those that are waiting.
std::vector<model::PropertyIndex> waiting(const PictureObject& object,
                                          const HostMirror::Dirty& dirty);
/// Sets a property; a list that is unset is an empty one.
void set_property(model::Transaction& transaction, const vim::MoRef& object,
                  model::PropertyIndex property, vim::Value value);

// publish.cpp: what one host has to itself.
/// Puts the custom values that the center keeps of an entity into a summary of it.
void keep_custom_values(const model::Transaction& transaction, const vim::MoRef& entity,
                        vim::Value& summary);
/// Puts the entity's overallStatus, which may follow from its alarms, into a summary of it.
void keep_status(const model::Transaction& transaction, const vim::MoRef& entity,
                 vim::Value& summary);
void publish_host_system(MirrorState& state, model::Transaction& transaction, HostMirror& host,
                         const PictureObject& object, const HostMirror::Dirty& dirty);
void publish_own(MirrorState& state, model::Transaction& transaction, HostMirror& host,
                 const PictureObject& object, const HostMirror::Dirty& dirty);
void withdraw_own(MirrorState& state, model::Transaction& transaction, HostMirror& host,
                  const std::string& host_id);
/// The environment browser of a compute resource is that of one of its hosts.
void show_environment(const MirrorState& state, model::Transaction& transaction,
                      const vim::MoRef& compute_resource);
/// True if objects like this one are published under the host's number.
bool is_own(const HostMirror& host, const PictureObject& object);

// publish_machine.cpp
void publish_machine(MirrorState& state, model::Transaction& transaction, Machine& machine,
                     const HostMirror::Dirty& dirty);
/// What is known of a machine whose host has not been heard yet.
void publish_unheard(MirrorState& state, model::Transaction& transaction, Machine& machine);
/// Shows whether its host answers.
void publish_connection(MirrorState& state, model::Transaction& transaction,
                        const Machine& machine);
void withdraw_machine(MirrorState& state, model::Transaction& transaction, Machine& machine);

// publish_shared.cpp: datastores and networks.
void publish_shared(MirrorState& state, model::Transaction& transaction, Shared& shared);
void withdraw_shared(MirrorState& state, model::Transaction& transaction, Shared& shared);

// identify.cpp
/// Binds a datastore or network of a host to the center's; null if it belongs to no datacenter.
Shared* identify_shared(MirrorState& state, HostMirror& host, const PictureObject& object);
/// Binds a machine of a host, or follows its uuid, path and power state. Null while it tells
/// nothing to know it by.
Machine* identify_machine(MirrorState& state, HostMirror& host, const PictureObject& object);
/// A host does not have it any more. Returns what is to be published anew or withdrawn.
Shared* lose_shared(MirrorState& state, HostMirror& host, const std::string& host_id);
Machine* lose_machine(MirrorState& state, HostMirror& host, const std::string& host_id,
                      std::chrono::milliseconds grace);

}  // namespace drover::center
