#include "service/history/collectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <limits>
#include <utility>

#include "vim/history_types.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using store::Log;
using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kReadLimit{60};
constexpr std::chrono::milliseconds kBusyPause{5};

struct Kind {
    TypeId type;
    TypeId element;
    model::PropertyIndex latest_page;
    model::PropertyIndex filter;
};

constexpr Kind kind(Log log) {
    if (log == Log::events) {
        return {TypeId::EventHistoryCollector, TypeId::Event,
                vim::property::EventHistoryCollector::latestPage,
                vim::property::EventHistoryCollector::filter};
    }
    return {TypeId::TaskHistoryCollector, TypeId::TaskInfo,
            vim::property::TaskHistoryCollector::latestPage,
            vim::property::TaskHistoryCollector::filter};
}

}  // namespace

struct HistoryCollectors::Collector {
    MoRef ref;
    Log log = Log::events;
    std::string session;
    HistoryFilterPtr filter;
    Sees sees;  // unset: everything
    std::size_t page_size = kDefaultPage;
    std::map<std::int64_t, Value> page;  // the newest that match
    /// Between the items up to this number and those after it. Unset: not moved yet, then it is
    /// before the oldest for who reads on and behind the newest for who reads back.
    std::optional<std::int64_t> position;
    bool is_reading = false;

    void trim() {
        while (page.size() > page_size) page.erase(page.begin());
    }
    Value latest_page() const {
        std::vector<Value> items;
        for (auto at = page.rbegin(); at != page.rend(); ++at) {
            items.push_back(filter->shown(at->second));
        }
        return Value::array(kind(log).element, std::move(items));
    }
};

std::size_t HistoryCollectors::page_of(std::int32_t max_count, std::string_view name) {
    if (max_count == 0) return kDefaultPage;
    if (max_count < 0 || static_cast<std::size_t>(max_count) > kMostPage) {
        throw vim::invalid_argument(
            name, fmt::format("{} is {}; 1 to {} are allowed.", name, max_count, kMostPage));
    }
    return static_cast<std::size_t>(max_count);
}

void HistoryCollectors::serve(task::Dispatcher& dispatcher) {
    dispatcher.add_direct("DestroyCollector", [this](const Call& call) {
        destroy(get(call));
        return Value{};
    });
    dispatcher.add_direct("RewindCollector",
                          [this](const Call& call) { return set_position(call, false); });
    dispatcher.add_direct("ResetCollector",
                          [this](const Call& call) { return set_position(call, true); });
    dispatcher.add("SetCollectorPageSize",
                   [this](Call call) { return set_page_size(std::move(call)); });
    dispatcher.add("ReadNextEvents", [this](Call call) {
        const auto most = call.arguments<vim::ReadNextEventsRequest>().maxCount();
        return read(std::move(call), most, true);
    });
    dispatcher.add("ReadPreviousEvents", [this](Call call) {
        const auto most = call.arguments<vim::ReadPreviousEventsRequest>().maxCount();
        return read(std::move(call), most, false);
    });
    dispatcher.add("ReadNextTasks", [this](Call call) {
        const auto most = call.arguments<vim::ReadNextTasksRequest>().maxCount();
        return read(std::move(call), most, true);
    });
    dispatcher.add("ReadPreviousTasks", [this](Call call) {
        const auto most = call.arguments<vim::ReadPreviousTasksRequest>().maxCount();
        return read(std::move(call), most, false);
    });
}

Awaitable<MoRef> HistoryCollectors::create(Log log, std::string session, Value spec,
                                           HistoryFilterPtr filter, std::int32_t page_size,
                                           Sees sees) {
    auto collector = std::make_shared<Collector>();
    collector->page_size = page_of(page_size, "filter.maxCount");
    const auto of_session = std::ranges::count_if(
        collectors_, [&](const auto& each) { return each.second->session == session; });
    if (static_cast<std::size_t>(of_session) >= kMostPerSession ||
        collectors_.size() >= kMostInAll) {
        throw vim::make_fault<vim::InvalidState>(fmt::format(
            "There are too many collectors: {} of this session, {} in all. Up to {} and {} are "
            "allowed; destroy those that are not needed.",
            of_session, collectors_.size(), kMostPerSession, kMostInAll));
    }
    const Kind made = kind(log);
    collector->ref = {made.type, fmt::format("session[{}]{}", session, parts_.random.uuid())};
    collector->log = log;
    collector->session = std::move(session);
    collector->filter = std::move(filter);
    collector->sees = std::move(sees);
    collectors_[collector->ref.id] = collector;
    model::Transaction transaction(parts_.inventory);
    transaction.create(collector->ref.type, collector->ref.id);
    transaction.set(collector->ref, made.filter, std::move(spec));
    if (log == Log::events) {
        transaction.set(collector->ref, vim::property::EventHistoryCollector::initialized,
                        Value::boolean(true));
    }
    const std::weak_ptr<Collector> weak = collector;
    transaction.set_computed(collector->ref, made.latest_page, [weak](const model::Reader&) {
        const auto living = weak.lock();
        return living ? living->latest_page() : Value{};
    });
    transaction.commit();
    // What happens while the disk is read comes to the page all the same.
    co_await fill(collector);
    co_return collector->ref;
}

Awaitable<void> HistoryCollectors::fill(CollectorPtr collector) {
    store::HistoryQuery query;
    query.log = collector->log;
    query.newest_first = true;
    const auto items =
        co_await find_seen(query, collector->filter, collector->page_size, collector->sees);
    for (const HistoryItem& item : items) collector->page.emplace(item.number, item.value);
    collector->trim();
    publish_soon(*collector);
}

Awaitable<std::vector<HistoryItem>> HistoryCollectors::find(store::HistoryQuery query,
                                                            HistoryFilterPtr filter,
                                                            std::size_t limit) {
    std::vector<HistoryItem> more;
    if (query.log == Log::tasks && unwritten_tasks_) more = unwritten_tasks_();
    co_return co_await parts_.runtime.blocking(
        "history",
        [&history = parts_.history, query = std::move(query), filter = std::move(filter), limit,
         more = std::move(more)] { return read_history(history, query, *filter, limit, more); },
        kReadLimit);
}

// What is hidden takes no place in the answer: the search goes on behind it.
Awaitable<std::vector<HistoryItem>> HistoryCollectors::find_seen(store::HistoryQuery query,
                                                                 HistoryFilterPtr filter,
                                                                 std::size_t limit, Sees sees) {
    if (!sees) co_return co_await find(std::move(query), std::move(filter), limit);
    std::vector<HistoryItem> seen;
    while (true) {
        const std::size_t most = std::max(limit, kMostPage);
        auto items = co_await find(query, filter, most);
        const bool is_last = items.size() < most;
        if (!items.empty()) {
            (query.newest_first ? query.before : query.after) = items.back().number;
        }
        for (HistoryItem& item : items) {
            if (!sees(item)) continue;
            seen.push_back(std::move(item));
            if (seen.size() == limit) co_return seen;
        }
        if (is_last) co_return seen;
    }
}

Awaitable<std::vector<Value>> HistoryCollectors::newest(Log log, HistoryFilterPtr filter,
                                                        std::size_t limit, Sees sees) {
    store::HistoryQuery query;
    query.log = log;
    query.newest_first = true;
    std::vector<Value> values;
    for (const HistoryItem& item : co_await find_seen(query, filter, limit, std::move(sees))) {
        values.push_back(filter->shown(item.value));
    }
    co_return values;
}

HistoryCollectors::CollectorPtr HistoryCollectors::get(const Call& call) const {
    const auto found = collectors_.find(call.self.id);
    if (found == collectors_.end() || found->second->session != call.caller->session_key) {
        throw vim::object_not_found(call.self);
    }
    return found->second;
}

void HistoryCollectors::destroy(const CollectorPtr& collector) {
    collectors_.erase(collector->ref.id);
    changed_.erase(collector->ref.id);
    model::Transaction transaction(parts_.inventory);
    transaction.destroy(collector->ref);
    transaction.commit();
}

void HistoryCollectors::end_session(std::string_view session) {
    std::vector<CollectorPtr> ended;
    for (const auto& [_, collector] : collectors_) {
        if (collector->session == session) ended.push_back(collector);
    }
    for (const CollectorPtr& collector : ended) destroy(collector);
}

Value HistoryCollectors::set_position(const Call& call, bool to_newest) {
    get(call)->position = to_newest ? std::numeric_limits<std::int64_t>::max() : 0;
    return {};
}

Awaitable<Value> HistoryCollectors::set_page_size(Call call) {
    const CollectorPtr collector = get(call);
    const auto most = call.arguments<vim::SetCollectorPageSizeRequest>().maxCount();
    const std::size_t before = collector->page_size;
    collector->page_size = page_of(most, "maxCount");
    collector->trim();
    if (collector->page_size > before) co_await fill(collector);
    publish_soon(*collector);
    co_return Value{};
}

// Items with numbers up to the position lie before it.
Awaitable<Value> HistoryCollectors::read(Call call, std::int32_t max_count, bool next) {
    const CollectorPtr collector = get(call);
    if (max_count <= 0) {
        throw vim::invalid_argument("maxCount",
                                    fmt::format("maxCount is {}; it must be positive.", max_count));
    }
    const auto limit = std::min(static_cast<std::size_t>(max_count), kMostPage);
    // Two reads at once would both read the same page.
    while (collector->is_reading) co_await parts_.runtime.sleep(kBusyPause);
    struct Reading {
        explicit Reading(bool& flag) : flag_(flag) { flag_ = true; }
        ~Reading() { flag_ = false; }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        bool& flag_;
    } reading(collector->is_reading);
    constexpr auto kEnd = std::numeric_limits<std::int64_t>::max();
    const auto position = collector->position.value_or(next ? 0 : kEnd);
    store::HistoryQuery query;
    query.log = collector->log;
    query.newest_first = !next;
    if (next) {
        query.after = position;
    } else if (position != kEnd) {
        query.before = position + 1;
    }
    const auto items = co_await find_seen(query, collector->filter, limit, collector->sees);
    std::vector<Value> values;
    for (const HistoryItem& item : items) values.push_back(collector->filter->shown(item.value));
    if (items.empty()) {
        collector->position = position;
    } else {
        collector->position = next ? items.back().number : items.back().number - 1;
    }
    co_return Value::array(kind(collector->log).element, std::move(values));
}

void HistoryCollectors::changed(Log log, const HistoryItem& item) {
    for (const auto& [_, collector] : collectors_) {
        if (collector->log == log) show(*collector, item);
    }
}

void HistoryCollectors::show(Collector& collector, const HistoryItem& item) {
    if (collector.filter->matches(item) && (!collector.sees || collector.sees(item))) {
        const bool full = collector.page.size() >= collector.page_size;
        if (full && item.number < collector.page.begin()->first) return;
        collector.page.insert_or_assign(item.number, item.value);
        collector.trim();
    } else if (collector.page.erase(item.number) == 0) {
        return;
    }
    publish_soon(collector);
}

// Together with whatever else happens in this moment, and outside of transactions.
void HistoryCollectors::publish_soon(const Collector& collector) {
    const bool is_first = changed_.empty();
    changed_.insert(collector.ref.id);
    if (is_first) boost::asio::post(parts_.runtime.strand(), [this] { publish(); });
}

void HistoryCollectors::publish() {
    model::Transaction transaction(parts_.inventory);
    for (const std::string& id : std::exchange(changed_, {})) {
        const auto found = collectors_.find(id);
        if (found == collectors_.end()) continue;
        transaction.touch(found->second->ref, kind(found->second->log).latest_page);
    }
    transaction.commit();
}

}  // namespace drover::service
