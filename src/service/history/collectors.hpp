#pragma once

// EventHistoryCollector and TaskHistoryCollector: a client's window on the history. Each belongs to
// a session and ends with it.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "service/history/history_item.hpp"
#include "service/readers.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Belongs to the strand; reads of the disk run in the blocking queue "history".
class HistoryCollectors {
public:
    static constexpr std::size_t kMostPerSession = 32;
    static constexpr std::size_t kMostInAll = 1'000;
    static constexpr std::size_t kDefaultPage = 10;
    static constexpr std::size_t kMostPage = 1'000;

    /// Items that a read must see although they may not be on the disk.
    using Unwritten = std::function<std::vector<HistoryItem>()>;

    struct Parts {
        task::Runtime& runtime;
        base::Random& random;
        model::Inventory& inventory;
        store::History& history;
    };

    explicit HistoryCollectors(Parts parts) : parts_(parts) {}
    HistoryCollectors(const HistoryCollectors&) = delete;
    HistoryCollectors& operator=(const HistoryCollectors&) = delete;

    /// Whether somebody may know of an item. On the strand.
    using Sees = std::function<bool(const HistoryItem&)>;

    /// How a caller reads the inventory: what it may not see is kept from it. Without, everybody
    /// sees everything.
    void set_readers(Readers readers) { readers_ = std::move(readers); }
    const Readers& readers() const { return readers_; }

    /// Serves the methods of both types of collectors.
    void serve(task::Dispatcher& dispatcher);
    /// What reads of tasks see besides the disk.
    void set_unwritten_tasks(Unwritten unwritten) { unwritten_tasks_ = std::move(unwritten); }

    /// Makes a collector, of what `sees` lets through if it is set. InvalidState if the session has
    /// as many as it may; InvalidArgument for a page size that is none (0: the default).
    task::Awaitable<vim::MoRef> create(store::Log log, std::string session, vim::Value spec,
                                       HistoryFilterPtr filter, std::int32_t page_size,
                                       Sees sees = nullptr);

    /// An item is new or has changed.
    void changed(store::Log log, const HistoryItem& item);

    /// Up to `limit` items that match, newest first.
    task::Awaitable<std::vector<vim::Value>> newest(store::Log log, HistoryFilterPtr filter,
                                                    std::size_t limit, Sees sees = nullptr);

    void end_session(std::string_view session);

    /// The page size that `maxCount` asks for. Throws InvalidArgument.
    static std::size_t page_of(std::int32_t max_count, std::string_view name);

private:
    struct Collector;
    using CollectorPtr = std::shared_ptr<Collector>;

    CollectorPtr get(const task::Call& call) const;
    void destroy(const CollectorPtr& collector);
    vim::Value set_position(const task::Call& call, bool to_newest);
    task::Awaitable<vim::Value> set_page_size(task::Call call);
    task::Awaitable<void> fill(CollectorPtr collector);
    task::Awaitable<vim::Value> read(task::Call call, std::int32_t max_count, bool next);
    task::Awaitable<std::vector<HistoryItem>> find(store::HistoryQuery query,
                                                   HistoryFilterPtr filter, std::size_t limit);
    task::Awaitable<std::vector<HistoryItem>> find_seen(store::HistoryQuery query,
                                                        HistoryFilterPtr filter, std::size_t limit,
                                                        Sees sees);
    void show(Collector& collector, const HistoryItem& item);
    void publish_soon(const Collector& collector);
    void publish();

    Parts parts_;
    Unwritten unwritten_tasks_;
    Readers readers_;
    std::map<std::string, CollectorPtr, std::less<>> collectors_;  // by id
    std::set<std::string> changed_;  // whose pages are to be announced
};

}  // namespace drover::service
