#pragma once

// One PropertyCollector of one session: its filters, its version, its wait and its unfinished
// retrievals. Private to this directory.

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/property_collector.hpp"
#include "model/property_filter.hpp"
#include "model/retrieval.hpp"

namespace drover::model {

class CollectorState;

struct WaitHandle::State {
    std::weak_ptr<CollectorState> collector;
    std::size_t max_objects;
    WaitCallback callback;  // empty: over
    bool expired = false;
    std::function<void(CollectorState&)> wake;
};

/// An UpdateSet that is being made.
struct Answer {
    std::vector<MoRef> filters;    ///< those that were there when it began
    std::size_t position = 0;      ///< in filters
    std::size_t objects_left = 0;  ///< that the client still takes
    bool truncated = false;
    std::vector<Value> object_updates;  ///< of the filter at `position`
    std::vector<Value> filter_updates;
};

class CollectorState {
public:
    using WaitPtr = std::shared_ptr<WaitHandle::State>;

    CollectorState(MoRef ref, std::string session_key)
        : ref_(std::move(ref)), session_key_(std::move(session_key)) {}

    const MoRef& ref() const { return ref_; }
    const std::string& session_key() const { return session_key_; }

    void add(std::unique_ptr<PropertyFilter> filter) { filters_.push_back(std::move(filter)); }
    void remove(const MoRef& filter);
    void remove_all() { filters_.clear(); }
    const std::vector<std::unique_ptr<PropertyFilter>>& filters() const { return filters_; }

    /// Begins to answer a client that knows `version`: InvalidCollectorVersion if that is not one
    /// that can be continued. `takes_truncated`: it may be the version of a truncated answer.
    void accept_version(std::string_view version, bool takes_truncated);
    /// Works on the answer to the accepted version: at most `max_objects` updates of objects, after
    /// at most `steps` objects that were looked at (what it used is taken off). False if there is
    /// more to do. What was begun is kept until it is complete, whoever waits for it.
    bool work(std::size_t max_objects, std::size_t& steps);
    bool is_answering() const { return answer_.has_value(); }
    /// After work() returned true: the answer; unset if there is nothing to tell.
    std::optional<vim::UpdateSet> take_answer();

    WaitPtr& waiter() { return waiter_; }

    /// Keeps it under a new token; the oldest goes if there are more than `limit`.
    const std::string& keep(RetrievalRest rest, std::size_t limit);
    /// Takes it out. Throws InvalidArgument if there is none of this token.
    RetrievalRest take(std::string_view token);

    bool queued = false;  ///< waits for the next flush
    bool woken = false;   ///< something was noted since the answer was begun

private:
    void begin_answer(std::size_t max_objects);
    PropertyFilter* find(const MoRef& filter) const;

    MoRef ref_;
    std::string session_key_;
    std::vector<std::unique_ptr<PropertyFilter>> filters_;
    std::uint64_t version_ = 0;           // of the last answer; 0: none was given
    std::optional<vim::UpdateSet> last_;  // that answer, until it is acknowledged
    bool last_truncated_ = false;
    bool repeat_last_ = false;
    std::optional<Answer> answer_;
    WaitPtr waiter_;
    std::list<RetrievalRest> rests_;
    std::uint64_t next_token_ = 1;
};

}  // namespace drover::model
