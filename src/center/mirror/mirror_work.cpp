// How the mirror works off what hosts have said.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/mirror/mirror_impl.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// Objects that are published in one go. More would keep others waiting for the strand.
constexpr std::size_t kRound = 400;
constexpr std::chrono::seconds kSweep{1};
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::seconds kStoreLimit{60};

bool is_shared(TypeId type) {
    return vim::is_a(type, TypeId::Datastore) || vim::is_a(type, TypeId::Network);
}

}  // namespace

Awaitable<void> Mirror::Impl::start() {
    struct Stored {
        std::vector<store::Record> machines, datastores, networks;
    };
    const Stored stored = co_await state.context.runtime.blocking(
        "store",
        [&store = state.context.store] {
            return Stored{store.load(Registry::kMachine), store.load(Registry::kDatastore),
                          store.load(Registry::kNetwork)};
        },
        kStoreLimit);
    state.registry.load(stored.machines, stored.datastores, stored.networks);
    Transaction transaction(state.context.inventory);
    for (const auto& [_, shared] : state.registry.shared()) {
        publish_shared(state, transaction, *shared);
    }
    for (const auto& [_, machine] : state.registry.machines()) {
        publish_unheard(state, transaction, *machine);
    }
    transaction.commit();
    state.context.runtime.spawn("mirror", work(shared_from_this()));
    state.context.runtime.spawn("mirror: sweep", sweep(shared_from_this()));
}

Awaitable<void> Mirror::Impl::work(std::shared_ptr<Impl> self) {
    while (!self->is_stopped_) {
        Round round = take_round();
        if (round.hosts.empty() && !state.registry.has_changes()) {
            woken_.expires_after(std::chrono::hours{1});
            co_await woken_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
            continue;
        }
        co_await commit();
        if (is_stopped_) co_return;
        publish(round);
        for (const MoRef& ref : round.hosts) {
            if (HostMirror* host = state.find(ref)) host->is_busy = false;
        }
        answer_waiters();
        for (const MoRef& ref : round.hosts) {
            const HostMirror* host = state.find(ref);
            if (host == nullptr) continue;
            for (const auto& callback : activity) callback(host->host);
        }
        // Others of the strand first.
        co_await boost::asio::post(state.context.runtime.strand(), boost::asio::use_awaitable);
    }
}

// What the store can't take is not published: it is tried until it can.
Awaitable<void> Mirror::Impl::commit() {
    // Whoever finds nothing to store waits for those who are storing it.
    const auto turn = co_await turns_.take();
    while (!is_stopped_ && state.registry.has_changes()) {
        const store::Batch batch = state.registry.take_batch();
        for (bool stored = false; !stored;) {
            try {
                co_await center::commit(state.context, batch);
                stored = true;
            } catch (const std::exception& error) {
                base::log_error("the mirror's records can't be stored: {}", error.what());
            }
            if (is_stopped_) co_return;
            if (!stored) co_await state.context.runtime.sleep(kRetry);
        }
    }
}

Mirror::Impl::Round Mirror::Impl::take_round() {
    Round round;
    std::size_t taken = 0;
    for (const auto& [_, host] : state.hosts) {
        if (taken >= kRound) break;
        if (host->has_work()) taken += take_host(*host, kRound - taken, round);
    }
    return round;
}

std::size_t Mirror::Impl::take_host(HostMirror& host, std::size_t most, Round& round) {
    std::size_t taken = 0;
    round.hosts.push_back(host.host.ref);
    host.is_busy = true;
    for (; !host.first.empty(); ++taken) {
        const std::string id = std::move(host.first.front());
        host.first.pop_front();
        take_object(host, id, round);
    }
    for (; !host.machines.empty() && taken < most; ++taken) {
        const std::string id = std::move(host.machines.front());
        host.machines.pop_front();
        take_machine(host, id, round);
    }
    if (!host.machines.empty()) return taken;
    for (const auto& [object, grace] : std::exchange(host.left, {})) {
        if (host.picture.find(object.id) == nullptr) lose(host, object, grace, round);
        ++taken;
    }
    if (host.has_picture && !host.is_settled) settle(host, round);
    return taken;
}

// What the store knew of a host that it does not have any more.
void Mirror::Impl::settle(HostMirror& host, Round& round) {
    host.is_settled = true;
    for (const auto& [_, machine] : state.registry.machines()) {
        if (machine->host == host.host.ref && machine->sightings.empty()) {
            miss(*machine, state.now() + kMoveGrace);
        }
    }
    for (const auto& [id, shared] : state.registry.shared()) {
        if (!shared->hosts.contains(host.host.ref.id)) continue;
        if (shared->seen_on.contains(host.host.ref.id)) continue;
        shared->hosts.erase(host.host.ref.id);
        state.registry.changed(*shared);
        round.shared.insert(id);
    }
}

void Mirror::Impl::take_object(HostMirror& host, const std::string& id, Round& round) {
    const auto dirty = host.dirty.find(id);
    if (dirty == host.dirty.end()) return;
    const PictureObject* object = host.picture.find(id);
    if (object == nullptr) {
        host.dirty.erase(dirty);
        return;
    }
    if (is_shared(object->ref.type)) {
        const auto bound = host.shared_of.find(id);
        if (bound != host.shared_of.end()) round.shared.insert(bound->second->ref.id);
        const Shared* shared = identify_shared(state, host, *object);
        if (shared != nullptr) round.shared.insert(shared->ref.id);
    } else if (host.datastore_of.contains(id)) {
        // A browser, shown with its datastore.
        const auto shared = host.shared_of.find(host.datastore_of.at(id));
        if (shared != host.shared_of.end()) round.shared.insert(shared->second->ref.id);
    } else {
        round.objects.push_back({host.host.ref, id, std::move(dirty->second)});
    }
    host.dirty.erase(dirty);
}

void Mirror::Impl::take_machine(HostMirror& host, const std::string& id, Round& round) {
    const auto found = host.dirty.find(id);
    if (found == host.dirty.end()) return;
    HostMirror::Dirty dirty = std::move(found->second);
    host.dirty.erase(found);
    const PictureObject* object = host.picture.find(id);
    if (object == nullptr) return;
    const Machine* machine = identify_machine(state, host, *object);
    const Sighting* chosen = machine != nullptr ? choose_sighting(*machine) : nullptr;
    if (chosen == nullptr) return;
    const bool mine = chosen->host == &host && chosen->id == id;
    round.machines.emplace_back(machine->ref.id, mine ? std::move(dirty) : HostMirror::Dirty{});
}

void Mirror::Impl::lose(HostMirror& host, const MoRef& object, std::chrono::milliseconds grace,
                        Round& round) {
    if (object.type == TypeId::VirtualMachine) {
        Machine* machine = lose_machine(state, host, object.id, grace);
        if (machine == nullptr) return;
        if (machine->missing_until) miss(*machine, *machine->missing_until);
        round.machines.emplace_back(machine->ref.id, HostMirror::Dirty{});
    } else if (is_shared(object.type)) {
        const Shared* shared = lose_shared(state, host, object.id);
        if (shared != nullptr) round.shared.insert(shared->ref.id);
    } else {
        round.gone.emplace_back(host.host.ref, object.id);
    }
}

void Mirror::Impl::miss(Machine& machine, base::SteadyTime until) {
    machine.missing_until = until;
    missing_.insert(machine.ref.id);
}

void Mirror::Impl::publish(Round& round) {
    Transaction transaction(state.context.inventory);
    for (const auto& [ref, id] : round.gone) {
        HostMirror* host = state.find(ref);
        if (host != nullptr) withdraw_own(state, transaction, *host, id);
    }
    for (const auto& id : round.shared) {
        Shared* shared = state.registry.find_shared(id);
        if (shared == nullptr) continue;
        if (shared->hosts.empty()) {
            withdraw_shared(state, transaction, *shared);
            state.registry.remove(*shared);
        } else {
            publish_shared(state, transaction, *shared);
            resolve_name(*shared);
        }
    }
    publish_objects(transaction, round);
    publish_machines(transaction, round);
    transaction.commit();
    remove_missing();
}

// The host system first: it says which managers there are.
void Mirror::Impl::publish_objects(Transaction& transaction, Round& round) {
    for (const bool systems : {true, false}) {
        for (const auto& [ref, id, dirty] : round.objects) {
            HostMirror* host = state.find(ref);
            const PictureObject* object = host != nullptr ? host->picture.find(id) : nullptr;
            if (object == nullptr || (object->ref.type == TypeId::HostSystem) != systems) continue;
            if (systems) {
                publish_host_system(state, transaction, *host, *object, dirty);
            } else if (is_own(*host, *object)) {
                publish_own(state, transaction, *host, *object, dirty);
            }
        }
    }
}

void Mirror::Impl::publish_machines(Transaction& transaction, Round& round) {
    for (const auto& [id, dirty] : round.machines) {
        Machine* machine = state.registry.find_machine(id);
        if (machine == nullptr || machine->sightings.empty()) continue;
        publish_machine(state, transaction, *machine, dirty);
    }
}

// Machines that nobody has had for as long as they may be away.
void Mirror::Impl::remove_missing() {
    std::vector<Machine*> gone;
    std::erase_if(missing_, [&](const std::string& id) {
        Machine* machine = state.registry.find_machine(id);
        if (machine == nullptr || !machine->missing_until) return true;
        if (*machine->missing_until > state.now()) return false;
        gone.push_back(machine);
        return true;
    });
    if (gone.empty()) return;
    Transaction transaction(state.context.inventory);
    for (Machine* machine : gone) {
        withdraw_machine(state, transaction, *machine);
        state.registry.remove(*machine);
    }
    transaction.commit();
    wake();
}

Awaitable<void> Mirror::Impl::sweep(std::shared_ptr<Impl> self) {
    while (!self->is_stopped_) {
        co_await state.context.runtime.sleep(kSweep);
        if (is_stopped_) co_return;
        std::erase_if(moving, [this](const std::string& id) {
            Machine* machine = state.registry.find_machine(id);
            if (machine == nullptr || !machine->move) return true;
            if (machine->move->until > state.now()) return false;
            machine->move.reset();
            return true;
        });
        std::erase_if(state.expected,
                      [this](const auto& each) { return each.until <= state.now(); });
        remove_missing();
        resolve_machine_names();
        answer_waiters();
    }
}

bool Mirror::Impl::is_over(const Waiter& waiter) const {
    if (!waiter.host) return state.registry.find_machine(waiter.ref.id) == nullptr;
    const HostMirror* host = state.find(waiter.host);
    if (host == nullptr) return true;
    if (!waiter.ref) return !host->has_work() && !host->is_busy;
    const MoRef found = state.center_ref(*host, waiter.ref.type, waiter.ref.id);
    return found && state.context.inventory.find(found) != nullptr;
}

void Mirror::Impl::answer_waiters() {
    for (const Waiter& waiter : waiters) {
        if (is_over(waiter)) waiter.timer->cancel();
    }
}

Awaitable<void> Mirror::Impl::wait(MoRef host, MoRef ref, std::chrono::milliseconds limit) {
    Waiter waiter{host, ref, nullptr};
    if (is_over(waiter)) co_return;
    waiter.timer =
        std::make_shared<boost::asio::steady_timer>(state.context.runtime.strand(), limit);
    const auto timer = waiter.timer;
    const auto at = waiters.insert(waiters.end(), std::move(waiter));
    co_await timer->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    waiters.erase(at);
}

Awaitable<vim::ObjectUpdate> Mirror::Impl::fetch(Host& host, MoRef ref) {
    auto object = vim::ObjectSpec::make();
    object.set_obj(ref);
    auto properties = vim::PropertySpec::make();
    properties.set_type(vim::describe(ref.type).name());
    properties.set_all(true);
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_objectSet({object});
    spec.set_propSet({properties});
    auto request = vim::RetrievePropertiesExRequest::make();
    request.set_specSet({spec});
    request.set_options(vim::RetrieveOptions::make());
    const Value answer = co_await host.link->call(
        "RetrievePropertiesEx", host.link->content().propertyCollector(), request.raw());
    const vim::RetrieveResult result(answer);
    if (!result || result.objects().empty()) co_return vim::ObjectUpdate{};
    const vim::ObjectContent content = result.objects()[0];
    auto update = vim::ObjectUpdate::make();
    update.set_kind(vim::ObjectUpdateKind::enter);
    update.set_obj(ref);
    std::vector<vim::PropertyChange> changes;
    for (const vim::DynamicProperty each : content.propSet()) {
        auto change = vim::PropertyChange::make();
        change.set_name(each.name());
        change.set_op(vim::PropertyChangeOp::assign);
        change.set_val(each.val());
        changes.push_back(change);
    }
    update.set_changeSet(changes);
    co_return update;
}

// Two datastores of a datacenter can't have one name: paths of files begin with it. The host that
// came later gives its own another one, as vCenter's do.
void Mirror::Impl::resolve_name(Shared& shared) {
    if (shared.ref.type != TypeId::Datastore) return;
    const auto taken = [&](const std::string& name) {
        return std::ranges::any_of(state.registry.shared(), [&](const auto& each) {
            const Shared& other = *each.second;
            return other.ref.type == TypeId::Datastore && other.ref != shared.ref &&
                   other.datacenter == shared.datacenter && other.name == name;
        });
    };
    if (shared.is_renaming || !taken(shared.name)) return;
    const HostMirror* host = state.speaker_of(shared);
    if (host == nullptr || !host->connected || !host->host.link) return;
    std::string name;
    for (int i = 1; name.empty() || taken(name); ++i) name = fmt::format("{} ({})", shared.name, i);
    base::log_info("datastore '{}' of {} becomes '{}': another one has its name", shared.name,
                   host->host.name, name);
    shared.is_renaming = true;
    for (const auto& [host_id, id] : shared.hosts) {
        const HostMirror* each = state.find({TypeId::HostSystem, host_id});
        if (each == nullptr || !each->host.link) continue;
        state.context.runtime.spawn("rename of a datastore",
                                    rename_datastore(each->host, {TypeId::Datastore, id}, name));
    }
}

Awaitable<void> Mirror::Impl::rename_datastore(Host& host, MoRef datastore, std::string name) {
    auto request = vim::RenameDatastoreRequest::make();
    request.set_newName(name);
    co_await host.link->call("RenameDatastore", datastore, request.raw());
}

}  // namespace drover::center
