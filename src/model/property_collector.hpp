#pragma once

// The PropertyCollector: reading properties in bulk and following their changes.
//
// PropertyCollectors serves a whole server. Every session has one collector under the well-known
// reference and may make more. All calls run on the inventory's strand and outside of transactions
// (those that make or destroy filters and collectors commit one of their own). Faults are thrown
// as vim::Fault.
//
// Following changes: commits are noted per object and property as they happen, with the value that
// the client last saw, and evaluated when an answer is made. So many changes between two answers
// become one, and a change and its reversal none.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "model/inventory.hpp"
#include "vim/fault.hpp"
#include "vim/types.hpp"

namespace drover::model {

using ReaderPtr = std::shared_ptr<const Reader>;

// A wait's callback runs in a job of its own, so it may call back into the collectors.

/// What one session may use up. Beyond that it gets a fault that names the limit.
struct CollectorLimits {
    std::size_t collectors_per_session = 64;
    std::size_t filters_per_session = 1'000;
    std::size_t specs_per_request = 1'000;  ///< propSets, objectSets and traversals together
    std::size_t paths_per_request = 10'000;
    std::size_t objects_per_request = 100'000;  ///< starting objects
    std::size_t objects_per_filter = 1'000'000;
    std::size_t pending_retrievals = 16;  ///< unfinished RetrievePropertiesEx; the oldest goes
};

/// How a wait ends: with updates, with nothing because its time is over, or with a fault
/// (RequestCanceled, ManagedObjectNotFound when the collector or the session ended).
struct WaitResult {
    std::optional<vim::UpdateSet> updates;
    std::optional<vim::Fault> fault;
};
using WaitCallback = std::function<void(WaitResult)>;

/// One outstanding wait. The caller owns the timer.
class WaitHandle {
public:
    /// maxWaitSeconds are over: answers with what there is, or with nothing.
    void expire();
    /// The client went away: the callback is dropped, not called.
    void drop();
    bool outstanding() const;

    struct State;  ///< private to the implementation

private:
    friend class PropertyCollectors;
    explicit WaitHandle(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

class PropertyCollectors {
public:
    /// Runs a job later on the inventory's strand (boost::asio::post and the like).
    using Schedule = std::function<void(std::function<void()>)>;

    /// Makes the managed object `well_known_id`, under which every session finds its own collector.
    /// The inventory and the random source must outlive it; jobs it scheduled need not run.
    PropertyCollectors(Inventory& inventory, std::string well_known_id, base::Random& random,
                       Schedule schedule, CollectorLimits limits = {});
    ~PropertyCollectors();
    PropertyCollectors(const PropertyCollectors&) = delete;
    PropertyCollectors& operator=(const PropertyCollectors&) = delete;

    const MoRef& well_known() const;

    // Reading. `collector` is the reference that the client called.

    std::vector<vim::ObjectContent> retrieve_properties(
        const Reader& reader, const std::vector<vim::PropertyFilterSpec>& spec_set);
    vim::RetrieveResult retrieve_properties_ex(const ReaderPtr& reader, const MoRef& collector,
                                               const std::vector<vim::PropertyFilterSpec>& spec_set,
                                               const vim::RetrieveOptions& options);
    vim::RetrieveResult continue_retrieve_properties_ex(const Reader& reader,
                                                        const MoRef& collector,
                                                        std::string_view token);
    void cancel_retrieve_properties_ex(const Reader& reader, const MoRef& collector,
                                       std::string_view token);

    // Following.

    MoRef create_filter(const ReaderPtr& reader, const MoRef& collector,
                        const vim::PropertyFilterSpec& spec, bool partial_updates);
    void destroy_filter(const Reader& reader, const MoRef& filter);
    MoRef create_property_collector(const Reader& reader);
    void destroy_property_collector(const Reader& reader, const MoRef& collector);

    /// Unset if nothing happened since `version`. "" starts anew: every object enters. The version
    /// before the last one gives the last answer again (it may have been lost on its way); any
    /// other one is InvalidCollectorVersion.
    std::optional<vim::UpdateSet> check_for_updates(const Reader& reader, const MoRef& collector,
                                                    std::string_view version);

    /// Waits for updates after `version`. `callback` is called exactly once (unless dropped),
    /// always from a scheduled job, never from inside a call; bad arguments throw here. A collector
    /// has one wait: a later wait or check cancels the earlier one (RequestCanceled).
    /// maxWaitSeconds is the caller's to time, except 0, which answers at once.
    WaitHandle wait_for_updates(const Reader& reader, const MoRef& collector,
                                std::string_view version, const vim::WaitOptions& options,
                                WaitCallback callback);
    void cancel_wait_for_updates(const Reader& reader, const MoRef& collector);

    // Events from outside.

    /// The session is over: its collectors and filters go, its waits end with NotAuthenticated.
    void end_session(std::string_view session_key);
    /// Roles or permissions changed: all filters are evaluated anew. Views of the session's objects
    /// change without a delta, hence this call.
    void permissions_changed();

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

/// One property by its path, as Fetch and VI/JSON's GET read it. Unset if it is unset. Throws
/// ManagedObjectNotFound, InvalidProperty, NoPermission.
Value fetch(const Inventory& inventory, const Reader& reader, const MoRef& object,
            std::string_view path);

}  // namespace drover::model
