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
#include "model/gathered.hpp"
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
    std::size_t objects_per_job = 500;    ///< looked at for an answer before others get their turn
};

/// RetrieveProperties(Ex) under way. It gathers in pieces, between which the strand may serve
/// others: the set of objects is that of one moment (a walk that a change tears is made anew), the
/// properties of each object are those of one moment each, and objects that go meanwhile are left
/// out. Lives on the strand; must not outlive the inventory by more than its destructor.
class Retrieval {
public:
    struct State;  ///< private to the implementation

    explicit Retrieval(std::unique_ptr<State> state);
    Retrieval(Retrieval&&) noexcept;
    ~Retrieval();

    /// Follows or reads at most about `steps` objects. True when there is no more to do; then
    /// take() gives the result. Throws vim::Fault.
    bool advance(std::size_t steps);
    std::shared_ptr<const Gathered> take();

private:
    std::unique_ptr<State> state_;
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

    /// RetrieveProperties, and RetrievePropertiesEx with its options (maxObjects needs a session:
    /// without one all is given at once).
    Retrieval begin_retrieval(const ReaderPtr& reader, const MoRef& collector,
                              const std::vector<vim::PropertyFilterSpec>& spec_set,
                              const vim::RetrieveOptions& options = {});
    /// ContinueRetrievePropertiesEx. A token is good for one use, on its own collector; it lasts
    /// until the session ends or more than CollectorLimits::pending_retrievals are begun.
    Retrieval continue_retrieval(const ReaderPtr& reader, const MoRef& collector,
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
    /// other one is InvalidCollectorVersion, and so is that of a truncated answer. Made in one
    /// piece: where that may take long, wait for 0 seconds.
    std::optional<vim::UpdateSet> check_for_updates(const ReaderPtr& reader, const MoRef& collector,
                                                    std::string_view version);

    /// Waits for updates after `version`. `callback` is called exactly once (unless dropped),
    /// always from a scheduled job, never from inside a call; bad arguments throw here. A collector
    /// has one wait: a later wait or check cancels the earlier one (RequestCanceled).
    /// maxWaitSeconds is the caller's to time, except 0, which answers at once. Long answers are
    /// made in several jobs. `takes_truncated` is false for the older methods, which can't go on
    /// from a truncated answer.
    WaitHandle wait_for_updates(const ReaderPtr& reader, const MoRef& collector,
                                std::string_view version, const vim::WaitOptions& options,
                                WaitCallback callback, bool takes_truncated = true);
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
