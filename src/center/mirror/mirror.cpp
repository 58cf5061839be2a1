#include "center/mirror/mirror.hpp"

#include <algorithm>

#include "center/mirror/mirror_impl.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {
constexpr std::chrono::minutes kExpectedKept{10};
constexpr std::chrono::seconds kSettleLimit{10};
}  // namespace

Mirror::Mirror(CenterContext& context) : impl_(std::make_shared<Impl>(context)) {}

Mirror::~Mirror() {
    impl_->stop();
}

Awaitable<void> Mirror::start() {
    co_await impl_->start();
}

void Mirror::follow(Hosts& hosts) {
    hosts.on_added([this](Host& host) {
        add_host(host);
        host.link->on_update([this, &host](const vim::PropertyFilterUpdate& update, bool is_whole) {
            take(host, update, is_whole);
        });
        set_state(host, host.link->state());
    });
    hosts.on_removed([this](Host& host) { remove_host(host); });
    hosts.on_state([this](Host& host, LinkState state) { set_state(host, state); });
    hosts.on_moved([this](Host& host) { host_moved(host); });
}

void Mirror::add_host(Host& host) {
    MirrorState& state = impl_->state;
    state.hosts[host.ref.id] = std::make_unique<HostMirror>(host);
    // What the store knows of the host's machines can name it now.
    Transaction transaction(state.context.inventory);
    for (const auto& [_, machine] : state.registry.machines()) {
        if (machine->host != host.ref || !machine->sightings.empty()) continue;
        publish_unheard(state, transaction, *machine);
    }
    for (const auto& [_, shared] : state.registry.shared()) {
        if (shared->hosts.contains(host.ref.id)) publish_shared(state, transaction, *shared);
    }
    transaction.commit();
}

void Mirror::remove_host(Host& host) {
    MirrorState& state = impl_->state;
    HostMirror* mirror = state.find(host.ref);
    if (mirror == nullptr) return;
    Impl::Round round;
    const std::chrono::milliseconds at_once{0};
    for (auto bound = mirror->machine_of; const auto& [id, _] : bound) {
        impl_->lose(*mirror, {TypeId::VirtualMachine, id}, at_once, round);
    }
    for (auto bound = mirror->shared_of; const auto& [id, shared] : bound) {
        impl_->lose(*mirror, {shared->ref.type, id}, at_once, round);
    }
    for (const auto& id : mirror->own) round.gone.emplace_back(host.ref, id);
    // And what was only known from the store.
    for (const auto& [_, machine] : state.registry.machines()) {
        if (machine->host == host.ref && machine->sightings.empty()) {
            impl_->miss(*machine, state.now());
        }
    }
    for (const auto& [id, shared] : state.registry.shared()) {
        if (shared->hosts.erase(host.ref.id) == 0) continue;
        state.registry.changed(*shared);
        round.shared.insert(id);
    }
    impl_->publish(round);
    state.hosts.erase(host.ref.id);
    impl_->answer_waiters();
    impl_->wake();
}

void Mirror::take(Host& host, const vim::PropertyFilterUpdate& update, bool is_whole) {
    HostMirror* mirror = impl_->state.find(host.ref);
    if (mirror == nullptr) return;
    const PictureChange change = mirror->picture.apply(update, is_whole);
    for (const auto& touched : change.touched) {
        mirror->learn(*touched.object);
        touched.entered ? mirror->mark_all(*touched.object)
                        : mirror->mark(*touched.object, touched.properties);
    }
    const std::chrono::milliseconds grace =
        is_whole ? std::chrono::milliseconds{Impl::kMoveGrace} : std::chrono::milliseconds{0};
    for (const MoRef& each : change.left) {
        mirror->left.emplace_back(each, grace);
        const auto fetched = mirror->fetching.find(each.id);
        if (fetched != mirror->fetching.end()) fetched->second = true;
    }
    if (is_whole) mirror->has_picture = true;
    impl_->wake();
}

void Mirror::set_state(Host& host, LinkState link_state) {
    MirrorState& state = impl_->state;
    HostMirror* mirror = state.find(host.ref);
    const bool connected = link_state == LinkState::connected;
    if (mirror == nullptr || mirror->connected == connected) return;
    mirror->connected = connected;
    Transaction transaction(state.context.inventory);
    for (const auto& [_, machine] : mirror->machine_of) {
        if (machine->sightings.size() > 1) {
            publish_machine(state, transaction, *machine, {});
        }
        if (machine->shown == mirror) publish_connection(state, transaction, *machine);
    }
    for (const auto& [_, shared] : mirror->shared_of) publish_shared(state, transaction, *shared);
    transaction.commit();
}

void Mirror::host_moved(Host& host) {
    MirrorState& state = impl_->state;
    HostMirror* mirror = state.find(host.ref);
    if (mirror == nullptr || mirror->compute_resource == host.compute_resource) return;
    const MoRef before = mirror->compute_resource;
    const MoRef old_datacenter = state.datacenter_of(*mirror);
    mirror->compute_resource = host.compute_resource;
    const MoRef datacenter = state.datacenter_of(*mirror);
    const bool elsewhere = datacenter != old_datacenter;
    const Tree& tree = state.context.tree;
    Impl::Round round;
    for (const auto& [_, machine] : mirror->machine_of) {
        if (machine->host != host.ref) continue;
        if (tree.owner_of_pool(machine->pool) != host.compute_resource) {
            machine->pool = tree.root_pool_of(host.compute_resource);
        }
        if (elsewhere) machine->folder = tree.vm_folder_of(datacenter);
        state.registry.changed(*machine);
        round.machines.emplace_back(machine->ref.id, HostMirror::Dirty{true, {}});
    }
    for (auto bound = mirror->shared_of; const auto& [id, shared] : bound) {
        round.shared.insert(shared->ref.id);
        if (elsewhere) impl_->lose(*mirror, {shared->ref.type, id}, {}, round);
    }
    {
        Transaction transaction(state.context.inventory);
        show_environment(state, transaction, before);
        show_environment(state, transaction, mirror->compute_resource);
        transaction.commit();
    }
    impl_->publish(round);
    // References to what is above have other names now.
    mirror->picture.for_each([mirror](const PictureObject& object) { mirror->mark_all(object); });
    impl_->wake();
}

std::optional<HostObject> Mirror::home_of(const MoRef& ref) const {
    const MirrorState& state = impl_->state;
    if (ref.type == TypeId::HostSystem) {
        const HostMirror* host = state.find(ref);
        if (host == nullptr || !host->host_system) return std::nullopt;
        return HostObject{&host->host, host->host_system};
    }
    if (ref.type == TypeId::VirtualMachine) {
        const Machine* machine = state.registry.find_machine(ref.id);
        if (machine == nullptr) return std::nullopt;
        if (const Sighting* chosen = choose_sighting(*machine)) {
            return HostObject{&chosen->host->host, {ref.type, chosen->id}};
        }
        // Not heard yet since the center runs.
        const HostMirror* host = state.find(machine->host);
        if (host == nullptr) return std::nullopt;
        return HostObject{&host->host, {ref.type, machine->host_id}};
    }
    const auto own = state.own_home.find(ref.id);
    if (own != state.own_home.end()) return HostObject{&own->second.host->host, own->second.ref};
    const auto hosts = hosts_of(ref);
    if (hosts.empty()) return std::nullopt;
    const auto there = host_ref_of(*hosts.front(), ref);
    if (!there) return std::nullopt;
    return HostObject{hosts.front(), *there};
}

std::optional<MoRef> Mirror::host_ref_of(const Host& host, const MoRef& ref) const {
    const MirrorState& state = impl_->state;
    const HostMirror* mirror = state.find(host.ref);
    if (mirror == nullptr) return std::nullopt;
    const auto only_if = [](bool holds, const MoRef& found) {
        return holds && found ? std::optional(found) : std::nullopt;
    };
    const Tree& tree = state.context.tree;
    switch (ref.type) {
        case TypeId::HostSystem:
            return only_if(ref == host.ref, mirror->host_system);
        case TypeId::VirtualMachine: {
            const Machine* machine = state.registry.find_machine(ref.id);
            if (machine == nullptr) return std::nullopt;
            for (const Sighting& each : machine->sightings) {
                if (each.host == mirror) return MoRef{ref.type, each.id};
            }
            return only_if(machine->sightings.empty() && machine->host == host.ref,
                           {ref.type, machine->host_id});
        }
        case TypeId::ComputeResource:
        case TypeId::ClusterComputeResource:
            return only_if(ref == host.compute_resource, mirror->own_compute_resource);
        case TypeId::ResourcePool:
        case TypeId::VirtualApp:
            return only_if(tree.owner_of_pool(ref) == host.compute_resource, mirror->own_root_pool);
        case TypeId::Datacenter:
        case TypeId::Folder:
            return only_if(
                tree.datacenter_of(ref) == tree.datacenter_of(host.compute_resource),
                ref.type == TypeId::Folder ? mirror->own_vm_folder : mirror->own_datacenter);
        default:
            break;
    }
    const auto own = state.own_home.find(ref.id);
    if (own != state.own_home.end()) return only_if(own->second.host == mirror, own->second.ref);
    constexpr std::string_view kBrowser = "datastoreBrowser-";
    const bool is_browser =
        ref.type == TypeId::HostDatastoreBrowser && ref.id.starts_with(kBrowser);
    const Shared* shared =
        state.registry.find_shared(is_browser ? ref.id.substr(kBrowser.size()) : ref.id);
    if (shared == nullptr) return std::nullopt;
    const auto there = shared->hosts.find(host.ref.id);
    if (there == shared->hosts.end()) return std::nullopt;
    if (!is_browser) return MoRef{shared->ref.type, there->second};
    const PictureObject* object = mirror->picture.find(there->second);
    if (object == nullptr) return std::nullopt;
    const Value& browser = object->property(vim::property::Datastore::browser);
    return browser ? std::optional(browser.as_moref()) : std::nullopt;
}

MoRef Mirror::center_ref_of(const Host& host, const MoRef& host_ref) const {
    const HostMirror* mirror = impl_->state.find(host.ref);
    if (mirror == nullptr) return {};
    return impl_->state.center_ref(*mirror, host_ref.type, host_ref.id);
}

MoRef Mirror::former_ref_of(const Host& host, const MoRef& host_ref) const {
    if (MoRef known = center_ref_of(host, host_ref)) return known;
    const HostMirror* mirror = impl_->state.find(host.ref);
    if (mirror == nullptr) return {};
    const auto former = mirror->former.find(host_ref.id);
    return former == mirror->former.end() ? MoRef{} : former->second;
}

Value Mirror::said_of(const Host& host, const MoRef& host_ref,
                      model::PropertyIndex property) const {
    const HostMirror* mirror = impl_->state.find(host.ref);
    const PictureObject* object = mirror != nullptr ? mirror->picture.find(host_ref.id) : nullptr;
    if (object == nullptr || property >= object->properties.size()) return {};
    return object->property(property);
}

Value Mirror::to_center(const Host& host, const Value& value) const {
    const HostMirror* mirror = impl_->state.find(host.ref);
    return mirror == nullptr ? Value{} : impl_->state.to_center(*mirror, value);
}

std::vector<Host*> Mirror::hosts_of(const MoRef& ref) const {
    constexpr std::string_view kBrowser = "datastoreBrowser-";
    const bool is_browser = ref.id.starts_with(kBrowser);
    const Shared* shared =
        impl_->state.registry.find_shared(is_browser ? ref.id.substr(kBrowser.size()) : ref.id);
    std::vector<Host*> found;
    if (shared == nullptr) return found;
    const HostMirror* speaker = impl_->state.speaker_of(*shared);
    if (speaker != nullptr) found.push_back(&speaker->host);
    for (const bool connected : {true, false}) {
        for (const auto& [id, _] : shared->hosts) {
            const HostMirror* host = impl_->state.find({TypeId::HostSystem, id});
            if (host == nullptr || host == speaker || host->connected != connected) continue;
            found.push_back(&host->host);
        }
    }
    return found;
}

MoRef Mirror::host_datacenter(const Host& host) const {
    const HostMirror* mirror = impl_->state.find(host.ref);
    return mirror == nullptr ? MoRef{} : mirror->own_datacenter;
}

MoRef Mirror::anchor_of(const MoRef& object) const {
    const MirrorState& state = impl_->state;
    const auto own = state.own_home.find(object.id);
    if (own != state.own_home.end()) {
        if (object.type == TypeId::VirtualMachineSnapshot) {
            const model::ManagedObject* snapshot = state.context.inventory.find(object);
            const Value machine =
                snapshot != nullptr ? snapshot->property(vim::property::VirtualMachineSnapshot::vm)
                                    : Value{};
            if (machine) return machine.as_moref();
        }
        return own->second.host->host.ref;
    }
    constexpr std::string_view kBrowser = "datastoreBrowser-";
    if (!object.id.starts_with(kBrowser)) return {};
    const Shared* shared = state.registry.find_shared(object.id.substr(kBrowser.size()));
    return shared != nullptr ? shared->ref : MoRef{};
}

bool Mirror::has_picture(const Host& host) const {
    const HostMirror* mirror = impl_->state.find(host.ref);
    return mirror != nullptr && mirror->has_picture;
}

void Mirror::expect_move(const MoRef& machine, const MoRef& from_host, const MoRef& to_host,
                         std::chrono::seconds limit) {
    Machine* found = impl_->state.registry.find_machine(machine.id);
    if (found == nullptr) return;
    found->move = ExpectedMove{from_host, to_host, impl_->state.now() + limit};
    impl_->moving.insert(machine.id);
}

void Mirror::end_move(const MoRef& machine) {
    Machine* found = impl_->state.registry.find_machine(machine.id);
    if (found == nullptr || !found->move) return;
    found->move.reset();
    impl_->moving.erase(machine.id);
    // The other host's words may still be on their way.
    if (found->missing_until) impl_->miss(*found, impl_->state.now() + Impl::kMoveGrace);
}

Mirror::ExpectedKey Mirror::expect_machine(Expected expected) {
    const ExpectedKey key = impl_->next_key++;
    impl_->state.expected.push_back({key, std::move(expected), impl_->state.now() + kExpectedKept});
    return key;
}

void Mirror::forget_expected(ExpectedKey key) {
    std::erase_if(impl_->state.expected, [key](const auto& each) { return each.key == key; });
}

Awaitable<MoRef> Mirror::appearance(Host& host, MoRef host_ref, std::chrono::milliseconds limit) {
    const MoRef ref = host.ref;
    co_await impl_->wait(ref, host_ref, limit);
    const HostMirror* mirror = impl_->state.find(ref);
    if (mirror == nullptr) co_return MoRef{};
    const MoRef found = impl_->state.center_ref(*mirror, host_ref.type, host_ref.id);
    co_return found && impl_->state.context.inventory.find(found) != nullptr ? found : MoRef{};
}

Awaitable<bool> Mirror::disappearance(MoRef machine, std::chrono::milliseconds limit) {
    co_await impl_->wait({}, machine, limit);
    co_return impl_->state.registry.find_machine(machine.id) == nullptr;
}

Awaitable<void> Mirror::refresh(Host& host, std::vector<MoRef> host_refs) {
    const MoRef ref = host.ref;
    for (const MoRef& each : host_refs) {
        HostMirror* mirror = impl_->state.find(ref);
        if (mirror == nullptr || !mirror->connected || !mirror->host.link) co_return;
        mirror->fetching[each.id] = false;
        vim::ObjectUpdate update;
        bool is_gone = false;
        try {
            update = co_await Impl::fetch(mirror->host, each);
        } catch (const vim::Fault& fault) {
            is_gone = fault.fault().is<vim::ManagedObjectNotFound>();
        }
        mirror = impl_->state.find(ref);
        if (mirror == nullptr) co_return;
        const bool has_left = mirror->fetching[each.id];
        mirror->fetching.erase(each.id);
        if (is_gone) {
            update = vim::ObjectUpdate::make();
            update.set_obj(each);
            update.set_kind(vim::ObjectUpdateKind::leave);
        }
        if (!update || has_left) continue;
        auto filter = vim::PropertyFilterUpdate::make();
        filter.set_objectSet({update});
        take(mirror->host, filter, false);
    }
    co_await impl_->wait(ref, {}, kSettleLimit);
}

Awaitable<void> Mirror::place_machine(MoRef machine, MoRef folder, MoRef pool) {
    Machine* found = impl_->state.registry.find_machine(machine.id);
    if (found == nullptr) throw vim::object_not_found(machine);
    if (folder) found->folder = folder;
    if (pool) found->pool = pool;
    impl_->state.registry.changed(*found);
    co_await impl_->commit();
    found = impl_->state.registry.find_machine(machine.id);
    if (found == nullptr) throw vim::object_not_found(machine);
    if (!found->published) co_return;
    Transaction transaction(impl_->state.context.inventory);
    impl_->state.context.tree.move_machine(transaction, found->ref, found->folder,
                                           found->is_template ? MoRef{} : found->pool);
    transaction.commit();
}

void Mirror::on_activity(std::function<void(Host&)> callback) {
    impl_->activity.push_back(std::move(callback));
}

}  // namespace drover::center
