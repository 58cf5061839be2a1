#include "model/property_collector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/check.hpp"
#include "model/collector_state.hpp"
#include "model/content.hpp"
#include "vim/properties.hpp"

namespace drover::model {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

// A positive number of objects, or no limit.
std::size_t object_limit(std::optional<std::int32_t> given, const char* argument) {
    if (!given) return kNoLimit;
    if (*given <= 0) throw vim::invalid_argument(argument, "It must be greater than 0.");
    return static_cast<std::size_t>(*given);
}

SpecBudget budget_of(const CollectorLimits& limits) {
    return {limits.specs_per_request, limits.paths_per_request, limits.objects_per_request,
            limits.objects_per_filter};
}

}  // namespace

class PropertyCollectors::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(Inventory& the_inventory, base::Random& the_random, Schedule the_schedule,
         CollectorLimits the_limits)
        : inventory(the_inventory),
          random(the_random),
          schedule(std::move(the_schedule)),
          limits(the_limits) {}

    struct Session {
        std::map<std::string, std::shared_ptr<CollectorState>, std::less<>> collectors;
        std::size_t filters = 0;
    };

    void start(std::string well_known_id);
    std::shared_ptr<CollectorState> share(const Reader& reader, const MoRef& collector);
    CollectorState& find(const Reader& reader, const MoRef& collector) {
        return *share(reader, collector);
    }
    std::string new_id(const Reader& reader);
    Value filters_of(const Reader& reader, const MoRef& collector) const;
    void create_collector_object(Transaction& transaction, const MoRef& ref);

    void observe(const Delta& delta);
    void ready(CollectorState& collector);
    void enqueue(CollectorState& collector);
    void schedule_flush();
    void flush();
    void answer(CollectorState& collector, std::size_t& steps);
    std::shared_ptr<CollectorState> begin_answer(const ReaderPtr& reader, const MoRef& collector,
                                                 std::string_view version, bool takes_truncated);
    void set_keeper(Retrieval::State& retrieval, const ReaderPtr& reader, const MoRef& collector);
    void finish(CollectorState::WaitPtr& waiter, WaitResult result);
    void end_collectors(const std::vector<std::shared_ptr<CollectorState>>& ended,
                        const vim::Fault& fault);

    Inventory& inventory;
    base::Random& random;
    Schedule schedule;
    CollectorLimits limits;
    MoRef well_known;
    Watchers watchers;
    std::map<std::string, Session, std::less<>> sessions;
    std::unordered_map<std::string, std::weak_ptr<CollectorState>> filter_owners;
    std::unordered_map<PropertyFilter*, CollectorState*> owners;
    std::deque<std::weak_ptr<CollectorState>> ready_list;
    bool flush_scheduled = false;
    Subscription subscription;
};

void PropertyCollectors::Impl::create_collector_object(Transaction& transaction, const MoRef& ref) {
    transaction.create(TypeId::PropertyCollector, ref.id);
    transaction.set_computed(ref, vim::property::PropertyCollector::filter,
                             [weak = weak_from_this(), ref](const Reader& reader) {
                                 const auto self = weak.lock();
                                 return self ? self->filters_of(reader, ref) : Value{};
                             });
}

void PropertyCollectors::Impl::start(std::string well_known_id) {
    well_known = {TypeId::PropertyCollector, std::move(well_known_id)};
    Transaction transaction(inventory);
    create_collector_object(transaction, well_known);
    transaction.commit();
    subscription = inventory.observe([this](const Delta& delta) { observe(delta); });
}

std::shared_ptr<CollectorState> PropertyCollectors::Impl::share(const Reader& reader,
                                                                const MoRef& collector) {
    const std::string key(reader.session_key());
    if (key.empty()) {
        auto fault = vim::NotAuthenticated::make();
        fault.set_object(collector);
        fault.set_privilegeId("System.View");
        throw vim::Fault(fault, "The session is not authenticated.");
    }
    if (collector.id == well_known.id) {
        auto& own = sessions[key].collectors[collector.id];
        if (!own) own = std::make_shared<CollectorState>(well_known, key);
        return own;
    }
    const auto session = sessions.find(key);
    if (session != sessions.end()) {
        const auto found = session->second.collectors.find(collector.id);
        if (found != session->second.collectors.end()) return found->second;
    }
    throw vim::object_not_found(collector);
}

// A later call takes the collector over from an earlier wait.
std::shared_ptr<CollectorState> PropertyCollectors::Impl::begin_answer(const ReaderPtr& reader,
                                                                       const MoRef& collector,
                                                                       std::string_view version,
                                                                       bool takes_truncated) {
    auto state = share(*reader, collector);
    state->accept_version(version, takes_truncated);
    for (const auto& filter : state->filters()) filter->use(reader);
    finish(state->waiter(), {std::nullopt, vim::make_fault<vim::RequestCanceled>(
                                               "A later call took over the collector.")});
    return state;
}

void PropertyCollectors::Impl::set_keeper(Retrieval::State& retrieval, const ReaderPtr& reader,
                                          const MoRef& collector) {
    retrieval.collector = share(*reader, collector);
    retrieval.collector_ref = collector;
    retrieval.rest_limit = limits.pending_retrievals;
}

std::string PropertyCollectors::Impl::new_id(const Reader& reader) {
    return fmt::format("session[{}]{}", reader.session_key(), random.uuid());
}

Value PropertyCollectors::Impl::filters_of(const Reader& reader, const MoRef& collector) const {
    const auto session = sessions.find(reader.session_key());
    if (session == sessions.end()) return {};
    const auto found = session->second.collectors.find(collector.id);
    if (found == session->second.collectors.end() || found->second->filters().empty()) return {};
    std::vector<Value> refs;
    for (const auto& filter : found->second->filters()) refs.push_back(Value::moref(filter->ref()));
    return Value::array(TypeId::PropertyFilter, std::move(refs));
}

void PropertyCollectors::Impl::observe(const Delta& delta) {
    for (const auto& object : delta.destroyed) {
        for (PropertyFilter* filter : watchers.take(object->generation())) {
            if (filter->note_destroyed(*object)) ready(*owners.at(filter));
        }
    }
    for (const ManagedObject* object : delta.created) {
        for (const auto& [filter, collector] : owners) {
            if (filter->note_created(*object)) ready(*collector);
        }
    }
    for (const PropertyChange& change : delta.changes) {
        const auto* interested = watchers.find(change.object->generation());
        if (!interested) continue;
        for (PropertyFilter* filter : *interested) {
            if (filter->note_change(change)) ready(*owners.at(filter));
        }
    }
}

// Answers are made once for all commits that happen before the job runs.
void PropertyCollectors::Impl::ready(CollectorState& collector) {
    if (!collector.waiter()) return;
    collector.woken = true;
    enqueue(collector);
}

void PropertyCollectors::Impl::enqueue(CollectorState& collector) {
    if (std::exchange(collector.queued, true)) return;
    ready_list.push_back(collector.waiter()->collector);
    schedule_flush();
}

void PropertyCollectors::Impl::schedule_flush() {
    if (std::exchange(flush_scheduled, true)) return;
    schedule([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->flush();
    });
}

// So much for each job and no more, so that others get their turn between long answers.
void PropertyCollectors::Impl::flush() {
    flush_scheduled = false;
    std::size_t steps = limits.objects_per_job;
    while (!ready_list.empty() && steps > 0) {
        const auto collector = ready_list.front().lock();
        ready_list.pop_front();
        if (collector) answer(*collector, steps);
    }
    if (!ready_list.empty()) schedule_flush();
}

void PropertyCollectors::Impl::answer(CollectorState& collector, std::size_t& steps) {
    collector.queued = false;
    const auto waiter = collector.waiter();
    if (!waiter) return;
    --steps;
    WaitResult result;
    try {
        if (!collector.is_answering()) collector.woken = false;
        const bool complete = collector.work(waiter->max_objects, steps);
        if (complete) result.updates = collector.take_answer();
        // There may be nothing in it, and more may have come while it was made.
        if (!complete || (!result.updates && collector.woken)) {
            enqueue(collector);
            return;
        }
    } catch (const vim::Fault& fault) {
        result.fault = fault;
    }
    if (!result.updates && !result.fault && !waiter->expired) return;
    finish(collector.waiter(), std::move(result));
}

void PropertyCollectors::Impl::finish(CollectorState::WaitPtr& waiter, WaitResult result) {
    if (!waiter) return;
    const auto done = std::exchange(waiter, nullptr);
    schedule([callback = std::exchange(done->callback, nullptr), result = std::move(result)] {
        callback(result);
    });
}

void PropertyCollectors::Impl::end_collectors(
    const std::vector<std::shared_ptr<CollectorState>>& ended, const vim::Fault& fault) {
    Transaction transaction(inventory);
    for (const auto& collector : ended) {
        finish(collector->waiter(), {std::nullopt, fault});
        for (const auto& filter : collector->filters()) {
            filter_owners.erase(filter->ref().id);
            owners.erase(filter.get());
            transaction.destroy(filter->ref());
        }
        const auto session = sessions.find(collector->session_key());
        session->second.filters -= collector->filters().size();
        session->second.collectors.erase(collector->ref().id);
        if (collector->ref() != well_known) transaction.destroy(collector->ref());
        // Its filters must not hear of the commit.
        collector->remove_all();
    }
    transaction.commit();
}

PropertyCollectors::PropertyCollectors(Inventory& inventory, std::string well_known_id,
                                       base::Random& random, Schedule schedule,
                                       CollectorLimits limits)
    : impl_(std::make_shared<Impl>(inventory, random, std::move(schedule), limits)) {
    impl_->start(std::move(well_known_id));
}

PropertyCollectors::~PropertyCollectors() = default;

const MoRef& PropertyCollectors::well_known() const {
    return impl_->well_known;
}

Retrieval PropertyCollectors::begin_retrieval(const ReaderPtr& reader, const MoRef& collector,
                                              const std::vector<vim::PropertyFilterSpec>& spec_set,
                                              const vim::RetrieveOptions& options) {
    auto state = std::make_unique<Retrieval::State>(impl_->inventory, reader);
    state->page_size =
        object_limit(options ? options.maxObjects() : std::nullopt, "options.maxObjects");
    // Without a session there is nowhere to keep the rest.
    if (reader->session_key().empty()) state->page_size = kNoLimit;
    if (state->page_size != kNoLimit) impl_->set_keeper(*state, reader, collector);
    SpecBudget budget = budget_of(impl_->limits);
    for (const auto& spec : spec_set) {
        state->selections.push_back(
            std::make_shared<const Selection>(Selection::compile(spec, reader->release(), budget)));
    }
    return Retrieval(std::move(state));
}

Retrieval PropertyCollectors::continue_retrieval(const ReaderPtr& reader, const MoRef& collector,
                                                 std::string_view token) {
    auto state = std::make_unique<Retrieval::State>(impl_->inventory, reader);
    state->resume(impl_->find(*reader, collector).take(token));
    impl_->set_keeper(*state, reader, collector);
    return Retrieval(std::move(state));
}

void PropertyCollectors::cancel_retrieve_properties_ex(const Reader& reader, const MoRef& collector,
                                                       std::string_view token) {
    impl_->find(reader, collector).take(token);
}

MoRef PropertyCollectors::create_filter(const ReaderPtr& reader, const MoRef& collector,
                                        const vim::PropertyFilterSpec& spec, bool partial_updates) {
    CollectorState& state = impl_->find(*reader, collector);
    auto& session = impl_->sessions.find(reader->session_key())->second;
    if (session.filters >= impl_->limits.filters_per_session) {
        throw vim::make_fault<vim::InvalidRequest>(fmt::format(
            "The session has {} filters already; destroy some first.", session.filters));
    }
    SpecBudget budget = budget_of(impl_->limits);
    auto selection = Selection::compile(spec, reader->release(), budget);
    const MoRef ref{TypeId::PropertyFilter, impl_->new_id(*reader)};
    auto filter = std::make_unique<PropertyFilter>(ref, std::move(selection), partial_updates,
                                                   reader, impl_->inventory, impl_->watchers);
    impl_->owners.emplace(filter.get(), &state);
    impl_->filter_owners.emplace(ref.id, session.collectors.find(state.ref().id)->second);
    state.add(std::move(filter));
    ++session.filters;

    Transaction transaction(impl_->inventory);
    transaction.create(TypeId::PropertyFilter, ref.id);
    transaction.set(ref, vim::property::PropertyFilter::spec, spec);
    transaction.set(ref, vim::property::PropertyFilter::partialUpdates,
                    Value::boolean(partial_updates));
    transaction.touch(state.ref(), vim::property::PropertyCollector::filter);
    transaction.commit();
    impl_->ready(state);
    return ref;
}

void PropertyCollectors::destroy_filter(const Reader& reader, const MoRef& filter) {
    const auto found = impl_->filter_owners.find(filter.id);
    const auto state = found == impl_->filter_owners.end() ? nullptr : found->second.lock();
    if (!state || state->session_key() != reader.session_key()) {
        throw vim::object_not_found(filter);
    }
    const MoRef ref{TypeId::PropertyFilter, filter.id};
    impl_->filter_owners.erase(found);
    std::erase_if(impl_->owners, [&](const auto& each) { return each.first->ref() == ref; });
    state->remove(ref);
    --impl_->sessions.find(reader.session_key())->second.filters;
    Transaction transaction(impl_->inventory);
    transaction.destroy(ref);
    transaction.touch(state->ref(), vim::property::PropertyCollector::filter);
    transaction.commit();
}

MoRef PropertyCollectors::create_property_collector(const Reader& reader) {
    impl_->find(reader, impl_->well_known);  // refuses those without a session
    auto& session = impl_->sessions.find(reader.session_key())->second;
    if (session.collectors.size() > impl_->limits.collectors_per_session) {
        throw vim::make_fault<vim::InvalidRequest>(
            fmt::format("The session has {} property collectors already; destroy some first.",
                        session.collectors.size() - 1));
    }
    const MoRef ref{TypeId::PropertyCollector, impl_->new_id(reader)};
    session.collectors.emplace(
        ref.id, std::make_shared<CollectorState>(ref, std::string(reader.session_key())));
    Transaction transaction(impl_->inventory);
    impl_->create_collector_object(transaction, ref);
    transaction.commit();
    return ref;
}

void PropertyCollectors::destroy_property_collector(const Reader& reader, const MoRef& collector) {
    impl_->find(reader, collector);
    auto& session = impl_->sessions.find(reader.session_key())->second;
    const auto state = session.collectors.find(collector.id)->second;
    impl_->end_collectors({state}, vim::object_not_found(collector));
}

std::optional<vim::UpdateSet> PropertyCollectors::check_for_updates(const ReaderPtr& reader,
                                                                    const MoRef& collector,
                                                                    std::string_view version) {
    const auto state = impl_->begin_answer(reader, collector, version, false);
    std::size_t steps = kNoLimit;
    state->work(kNoLimit, steps);
    return state->take_answer();
}

WaitHandle PropertyCollectors::wait_for_updates(const ReaderPtr& reader, const MoRef& collector,
                                                std::string_view version,
                                                const vim::WaitOptions& options,
                                                WaitCallback callback, bool takes_truncated) {
    DROVER_CHECK(callback);
    impl_->find(*reader, collector);
    const auto max_objects = object_limit(options ? options.maxObjectUpdates() : std::nullopt,
                                          "options.maxObjectUpdates");
    const auto seconds = options ? options.maxWaitSeconds() : std::nullopt;
    if (seconds && *seconds < 0) {
        throw vim::invalid_argument("options.maxWaitSeconds", "It must not be negative.");
    }
    const auto state = impl_->begin_answer(reader, collector, version, takes_truncated);
    auto waiter = std::make_shared<WaitHandle::State>();
    waiter->collector = state;
    waiter->max_objects = max_objects;
    waiter->callback = std::move(callback);
    waiter->expired = seconds == 0;
    waiter->wake = [weak = impl_->weak_from_this()](CollectorState& waiting) {
        if (const auto self = weak.lock()) self->ready(waiting);
    };
    state->waiter() = waiter;
    impl_->ready(*state);
    return WaitHandle(std::move(waiter));
}

void PropertyCollectors::cancel_wait_for_updates(const Reader& reader, const MoRef& collector) {
    impl_->finish(impl_->find(reader, collector).waiter(),
                  {std::nullopt, vim::make_fault<vim::RequestCanceled>("The wait was canceled.")});
}

void PropertyCollectors::end_session(std::string_view session_key) {
    const auto session = impl_->sessions.find(session_key);
    if (session == impl_->sessions.end()) return;
    std::vector<std::shared_ptr<CollectorState>> ended;
    for (const auto& [id, collector] : session->second.collectors) ended.push_back(collector);
    auto fault = vim::NotAuthenticated::make();
    fault.set_object(impl_->well_known);
    fault.set_privilegeId("System.View");
    impl_->end_collectors(ended, vim::Fault(fault, "The session has ended."));
    impl_->sessions.erase(session);
}

void PropertyCollectors::permissions_changed() {
    for (const auto& [filter, collector] : impl_->owners) {
        filter->note_permissions();
        impl_->ready(*collector);
    }
}

void WaitHandle::expire() {
    if (!outstanding()) return;
    state_->expired = true;
    if (const auto collector = state_->collector.lock()) state_->wake(*collector);
}

void WaitHandle::drop() {
    if (!outstanding()) return;
    state_->callback = nullptr;
    const auto collector = state_->collector.lock();
    if (collector && collector->waiter() == state_) collector->waiter() = nullptr;
}

bool WaitHandle::outstanding() const {
    return state_ && state_->callback != nullptr;
}

Value fetch(const Inventory& inventory, const Reader& reader, const MoRef& object,
            std::string_view path) {
    const ManagedObject& found = inventory.get(object);
    if (!is_visible(found, reader)) throw vim::object_not_found(object);
    const auto parsed = PropertyPath::parse(found.type(), path, reader.release());
    const auto privilege = vim::describe(found.type()).properties()[parsed.root()].privilege();
    if (found.owner().empty() && !reader.may_read(found, privilege)) {
        throw vim::no_permission(found.ref(), privilege.empty() ? "System.Read" : privilege);
    }
    return parsed.evaluate(found, reader);
}

}  // namespace drover::model
