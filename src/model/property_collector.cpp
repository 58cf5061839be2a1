#include "model/property_collector.hpp"

#include <fmt/format.h>

#include <algorithm>
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

// What a spec selects, in traversal order, each object once.
std::vector<const ManagedObject*> select_objects(const Selection& selection,
                                                 const Inventory& inventory, const Reader& reader) {
    if (!selection.reports_missing()) selection.check_starts(inventory, reader);
    std::vector<const ManagedObject*> objects;
    std::unordered_set<const ManagedObject*> seen;
    selection.traverse(inventory, reader,
                       {[&](const ManagedObject& object, bool selected, bool) {
                            if (selected && seen.insert(&object).second) objects.push_back(&object);
                        },
                        [](std::string_view) {}, [](const MoRef&) {}});
    return objects;
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
    CollectorState& find(const Reader& reader, const MoRef& collector);
    std::string new_id(const Reader& reader);
    Value filters_of(const Reader& reader, const MoRef& collector) const;
    void create_collector_object(Transaction& transaction, const MoRef& ref);

    void observe(const Delta& delta);
    void ready(CollectorState& collector);
    void flush();
    void answer(CollectorState& collector, std::vector<std::function<void()>>& calls);
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
    std::vector<std::weak_ptr<CollectorState>> ready_list;
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

CollectorState& PropertyCollectors::Impl::find(const Reader& reader, const MoRef& collector) {
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
        return *own;
    }
    const auto session = sessions.find(key);
    if (session != sessions.end()) {
        const auto found = session->second.collectors.find(collector.id);
        if (found != session->second.collectors.end()) return *found->second;
    }
    throw vim::object_not_found(collector);
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
    if (!collector.waiter() || collector.queued) return;
    collector.queued = true;
    ready_list.push_back(collector.waiter()->collector);
    if (std::exchange(flush_scheduled, true)) return;
    schedule([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->flush();
    });
}

void PropertyCollectors::Impl::flush() {
    flush_scheduled = false;
    std::vector<std::function<void()>> calls;
    for (const auto& weak : std::exchange(ready_list, {})) {
        if (const auto collector = weak.lock()) answer(*collector, calls);
    }
    for (const auto& call : calls) call();
}

void PropertyCollectors::Impl::answer(CollectorState& collector,
                                      std::vector<std::function<void()>>& calls) {
    collector.queued = false;
    auto& waiter = collector.waiter();
    if (!waiter) return;
    WaitResult result;
    try {
        result.updates = collector.collect(waiter->max_objects);
    } catch (const vim::Fault& fault) {
        result.fault = fault;
    }
    if (!result.updates && !result.fault && !waiter->expired) return;
    const auto done = std::exchange(waiter, nullptr);
    calls.push_back(
        [callback = std::exchange(done->callback, nullptr), result] { callback(result); });
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

std::vector<vim::ObjectContent> PropertyCollectors::retrieve_properties(
    const Reader& reader, const std::vector<vim::PropertyFilterSpec>& spec_set) {
    SpecBudget budget = budget_of(impl_->limits);
    std::vector<vim::ObjectContent> contents;
    for (const auto& spec : spec_set) {
        const auto selection = Selection::compile(spec, reader.release(), budget);
        for (const auto* object : select_objects(selection, impl_->inventory, reader)) {
            contents.push_back(make_content(*object, selection.plan(object->type()), reader));
        }
    }
    return contents;
}

namespace {

// The next page of a retrieval; objects that went meanwhile are left out.
std::vector<vim::ObjectContent> next_page(Retrieval& retrieval, const Inventory& inventory,
                                          const Reader& reader) {
    std::vector<vim::ObjectContent> page;
    while (page.size() < retrieval.page_size && retrieval.position < retrieval.items.size()) {
        const auto& item = retrieval.items[retrieval.position++];
        const ManagedObject* object = inventory.find(std::string_view(item.id));
        if (!object || object->generation() != item.generation) continue;
        if (!is_visible(*object, reader)) continue;
        const auto& plan = retrieval.selections[item.selection]->plan(object->type());
        page.push_back(make_content(*object, plan, reader));
    }
    return page;
}

vim::RetrieveResult make_result(CollectorState& collector, Retrieval retrieval,
                                const Inventory& inventory, const Reader& reader,
                                std::size_t pending_limit) {
    auto result = vim::RetrieveResult::make();
    result.set_objects(next_page(retrieval, inventory, reader));
    if (retrieval.position < retrieval.items.size()) {
        result.set_token(collector.keep(std::move(retrieval), pending_limit));
    }
    return result;
}

}  // namespace

vim::RetrieveResult PropertyCollectors::retrieve_properties_ex(
    const ReaderPtr& reader, const MoRef& collector,
    const std::vector<vim::PropertyFilterSpec>& spec_set, const vim::RetrieveOptions& options) {
    const auto page_size =
        object_limit(options ? options.maxObjects() : std::nullopt, "options.maxObjects");
    // Without a session there is nowhere to keep the rest.
    if (page_size == kNoLimit || reader->session_key().empty()) {
        auto result = vim::RetrieveResult::make();
        result.set_objects(retrieve_properties(*reader, spec_set));
        return result;
    }
    CollectorState& state = impl_->find(*reader, collector);
    SpecBudget budget = budget_of(impl_->limits);
    Retrieval retrieval;
    retrieval.page_size = page_size;
    for (const auto& spec : spec_set) {
        auto selection =
            std::make_shared<const Selection>(Selection::compile(spec, reader->release(), budget));
        for (const auto* object : select_objects(*selection, impl_->inventory, *reader)) {
            retrieval.items.push_back(
                {object->id(), object->generation(), retrieval.selections.size()});
        }
        retrieval.selections.push_back(std::move(selection));
    }
    return make_result(state, std::move(retrieval), impl_->inventory, *reader,
                       impl_->limits.pending_retrievals);
}

vim::RetrieveResult PropertyCollectors::continue_retrieve_properties_ex(const Reader& reader,
                                                                        const MoRef& collector,
                                                                        std::string_view token) {
    CollectorState& state = impl_->find(reader, collector);
    return make_result(state, state.take(token), impl_->inventory, reader,
                       impl_->limits.pending_retrievals);
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

std::optional<vim::UpdateSet> PropertyCollectors::check_for_updates(const Reader& reader,
                                                                    const MoRef& collector,
                                                                    std::string_view version) {
    CollectorState& state = impl_->find(reader, collector);
    state.accept_version(version);
    impl_->finish(state.waiter(), {std::nullopt, vim::make_fault<vim::RequestCanceled>(
                                                     "A later call took over the collector.")});
    return state.collect(kNoLimit);
}

WaitHandle PropertyCollectors::wait_for_updates(const Reader& reader, const MoRef& collector,
                                                std::string_view version,
                                                const vim::WaitOptions& options,
                                                WaitCallback callback) {
    DROVER_CHECK(callback);
    CollectorState& state = impl_->find(reader, collector);
    const auto max_objects = object_limit(options ? options.maxObjectUpdates() : std::nullopt,
                                          "options.maxObjectUpdates");
    const auto seconds = options ? options.maxWaitSeconds() : std::nullopt;
    if (seconds && *seconds < 0) {
        throw vim::invalid_argument("options.maxWaitSeconds", "It must not be negative.");
    }
    state.accept_version(version);
    impl_->finish(state.waiter(), {std::nullopt, vim::make_fault<vim::RequestCanceled>(
                                                     "A later wait took over the collector.")});
    const auto owner =
        impl_->sessions.find(reader.session_key())->second.collectors.find(state.ref().id)->second;
    auto waiter = std::make_shared<WaitHandle::State>();
    waiter->collector = owner;
    waiter->max_objects = max_objects;
    waiter->callback = std::move(callback);
    waiter->expired = seconds == 0;
    waiter->wake = [weak = impl_->weak_from_this()](CollectorState& waiting) {
        if (const auto self = weak.lock()) self->ready(waiting);
    };
    state.waiter() = waiter;
    impl_->ready(state);
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
    SelectedPath selected{PropertyPath::parse(found.type(), path, reader.release()), {}, {}};
    selected.privilege = vim::describe(found.type()).properties()[selected.path.root()].privilege();
    if (!may_read(selected, found, reader)) {
        throw vim::no_permission(found.ref(),
                                 selected.privilege.empty() ? "System.Read" : selected.privilege);
    }
    return selected.path.evaluate(found, reader);
}

}  // namespace drover::model
