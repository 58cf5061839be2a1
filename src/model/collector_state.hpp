#pragma once

// One PropertyCollector of one session: its filters, its version, its wait and its unfinished
// retrievals. Private to this directory.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/property_collector.hpp"
#include "model/property_filter.hpp"
#include "model/selection.hpp"

namespace drover::model {

class CollectorState;

struct WaitHandle::State {
    std::weak_ptr<CollectorState> collector;
    std::size_t max_objects;
    WaitCallback callback;  // empty: over
    bool expired = false;
    std::function<void(CollectorState&)> wake;
};

/// A RetrievePropertiesEx that has more to give: what was selected, to be read when it is asked
/// for.
struct Retrieval {
    struct Item {
        std::string id;
        std::uint64_t generation;
        std::size_t selection;
    };
    std::string token;
    std::vector<std::shared_ptr<const Selection>> selections;
    std::vector<Item> items;
    std::size_t position = 0;
    std::size_t page_size = 0;
};

class CollectorState {
public:
    using WaitPtr = std::shared_ptr<WaitHandle::State>;

    CollectorState(MoRef ref, std::string session_key)
        : ref_(std::move(ref)), session_key_(std::move(session_key)) {}

    const MoRef& ref() const { return ref_; }
    const std::string& session_key() const { return session_key_; }

    PropertyFilter& add(std::unique_ptr<PropertyFilter> filter);
    /// True if the filter was one of this collector.
    bool remove(const MoRef& filter);
    void remove_all() { filters_.clear(); }
    const std::vector<std::unique_ptr<PropertyFilter>>& filters() const { return filters_; }

    /// Begins an answer to a client that knows `version`: InvalidCollectorVersion if that is not
    /// one that can be continued.
    void accept_version(std::string_view version);
    /// The updates for the accepted version; unset if there are none.
    std::optional<vim::UpdateSet> collect(std::size_t max_objects);

    WaitPtr& waiter() { return waiter_; }

    /// Keeps it under a new token; the oldest goes if there are more than `limit`.
    const std::string& keep(Retrieval retrieval, std::size_t limit);
    /// Takes it out. Throws InvalidArgument if there is none of this token.
    Retrieval take(std::string_view token);

    bool queued = false;  ///< waits for the next flush

private:
    MoRef ref_;
    std::string session_key_;
    std::vector<std::unique_ptr<PropertyFilter>> filters_;
    std::uint64_t version_ = 0;           // of the last answer; 0: none was given
    std::optional<vim::UpdateSet> last_;  // that answer, until it is acknowledged
    bool repeat_last_ = false;
    WaitPtr waiter_;
    std::list<Retrieval> retrievals_;
    std::uint64_t next_token_ = 1;
};

}  // namespace drover::model
