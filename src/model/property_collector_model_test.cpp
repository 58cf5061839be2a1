// The promise of a filter: whoever applies its updates one by one has, at any moment, just what
// RetrieveProperties would give. Random transactions, random filters, random moments of asking;
// rapidcheck prints the seed of a failure and shrinks it.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/property_collector.hpp"
#include "model/property_path.hpp"
#include "model/test_world.hpp"
#include "model/views.hpp"

namespace drover::model {
namespace {

using namespace testing;

// What a client knows of one object; of one filter.
struct Known {
    std::map<std::string, Value, std::less<>> properties;
    std::set<std::string> forbidden;
    friend bool operator==(const Known&, const Known&) = default;
};
using Mirror = std::map<std::string, Known>;

// What a client does with one change: walks to the place that `rest` names and edits a copy.
Value apply(const Value& value, std::string_view rest, const vim::PropertyChange& change) {
    if (rest.empty()) return change.val();
    if (rest.front() == '.') {
        const auto end = std::min(rest.find_first_of(".[", 1), rest.size());
        const auto index = vim::describe(value.type()).find_property(rest.substr(1, end - 1));
        RC_ASSERT(index.has_value());
        Value edited = value;
        edited.set_slot(*index, apply(value.slots()[*index], rest.substr(end), change));
        return edited;
    }
    const auto end = rest.find(']') + 1;
    const std::string key(rest.substr(1, end - 2));
    std::vector<Value> elements(value.elements().begin(), value.elements().end());
    const auto at =
        std::ranges::find_if(elements, [&](const Value& each) { return element_key(each) == key; });
    if (end == rest.size() && change.op() == vim::PropertyChangeOp::remove) {
        RC_ASSERT(at != elements.end());
        elements.erase(at);
    } else if (end == rest.size() && change.op() == vim::PropertyChangeOp::add) {
        RC_ASSERT(at == elements.end());
        elements.push_back(change.val());
    } else {
        RC_ASSERT(at != elements.end());
        *at = apply(*at, rest.substr(end), change);
    }
    return Value::array(value.type(), std::move(elements));
}

void apply(Known& known, const vim::PropertyChange& change, const std::vector<std::string>& paths) {
    const std::string_view name = change.name();
    for (const std::string& path : paths) {
        if (!name.starts_with(path)) continue;
        const auto rest = name.substr(path.size());
        if (!rest.empty() && rest.front() != '.' && rest.front() != '[') continue;
        known.forbidden.erase(path);
        auto& properties = known.properties;
        if (rest.empty()) {
            const bool gone = change.op() == vim::PropertyChangeOp::remove ||
                              change.op() == vim::PropertyChangeOp::indirectRemove;
            properties.insert_or_assign(path, gone ? Value{} : change.val());
        } else {
            properties.insert_or_assign(path, apply(properties.at(path), rest, change));
        }
        if (!properties.at(path)) properties.erase(path);
        return;
    }
    RC_FAIL("a change of a path that the filter does not have");
}

void apply(Mirror& mirror, const vim::ObjectUpdate& update, const std::vector<std::string>& paths) {
    const std::string id = update.obj().id;
    switch (update.kind()) {
        case vim::ObjectUpdateKind::enter:
            RC_ASSERT(!mirror.contains(id));
            mirror[id] = {};
            break;
        case vim::ObjectUpdateKind::modify:
            RC_ASSERT(mirror.contains(id));
            break;
        case vim::ObjectUpdateKind::leave:
            RC_ASSERT(mirror.erase(id) == 1U);
            return;
    }
    for (const auto& change : update.changeSet()) apply(mirror[id], change, paths);
    for (const auto& missing : update.missingSet()) {
        mirror[id].forbidden.emplace(missing.path());
    }
}

// The inventory and its random changes.
class Simulation {
public:
    void step() {
        Transaction tx(world.inventory);
        const int changes = *rc::gen::inRange(1, 4);
        for (int i = 0; i < changes; ++i) change(tx);
        tx.commit();
    }

    World world;
    MoRef second_folder = add_folder("group-v99");
    MoRef third_folder = add_folder("group-v100");
    std::shared_ptr<TestReader> reader = std::make_shared<TestReader>();

    /// Hides or shows, forbids or allows one machine. The collectors are to be told.
    void change_permissions() const {
        const auto id = fmt::format("vm-{}", *rc::gen::inRange(1, kMachines));
        auto& list = *rc::gen::arbitrary<bool>() ? reader->hidden : reader->unreadable;
        if (list.erase(id) == 0) list.insert(id);
    }

private:
    static constexpr int kMachines = 6;

    MoRef add_folder(const char* id) {
        Transaction tx(world.inventory);
        const MoRef folder = World::add(tx, TypeId::Folder, id, id, world.vm_folder);
        tx.add_reference(world.vm_folder, property::Folder::childEntity, folder);
        tx.commit();
        return folder;
    }

    void change(Transaction& tx) {
        const int number = *rc::gen::inRange(1, kMachines);
        const MoRef vm{TypeId::VirtualMachine, fmt::format("vm-{}", number)};
        if (!tx.exists(vm)) {
            world.add_machine(tx, number);
            return;
        }
        switch (*rc::gen::inRange(0, 10)) {
            case 0:
                tx.remove_reference(second_folder, property::Folder::childEntity, vm);
                world.remove_machine(tx, vm);
                break;
            case 1:
                tx.set(vm, property::ManagedEntity::name,
                       Value::string(fmt::format("name{}", *rc::gen::inRange(0, 3))));
                break;
            case 2:
                tx.set(vm, property::VirtualMachine::config, random_config(number));
                break;
            case 3:
                tx.set(vm, property::VirtualMachine::config, Value{});
                break;
            case 4:
                move(tx, vm, world.vm_folder, second_folder);
                break;
            case 5:
                move(tx, vm, second_folder, world.vm_folder);
                break;
            case 6:
                move(tx, second_folder, world.vm_folder, third_folder);
                break;
            case 7:
                move(tx, second_folder, third_folder, world.vm_folder);
                break;
            case 8:  // an object of the same id takes its place
                tx.destroy(vm);
                World::add(tx, TypeId::VirtualMachine, vm.id, "again", world.vm_folder);
                break;
            default:
                tx.set(vm, property::VirtualMachine::runtime,
                       World::make_runtime(
                           *rc::gen::element(vim::VirtualMachinePowerState::poweredOn,
                                             vim::VirtualMachinePowerState::poweredOff)));
        }
    }

    static void move(Transaction& tx, const MoRef& vm, const MoRef& from, const MoRef& to) {
        tx.remove_reference(from, property::Folder::childEntity, vm);
        tx.add_reference(to, property::Folder::childEntity, vm);
        tx.set(vm, property::ManagedEntity::parent, Value::moref(to));
    }

    static Value random_config(int number) {
        vim::VirtualMachineConfigInfo config(World::make_config(number));
        auto hardware = config.hardware();
        hardware.set_numCPU(*rc::gen::inRange(1, 3));
        std::vector<vim::VirtualDevice> disks;
        for (const int key : *rc::gen::unique<std::vector<int>>(rc::gen::inRange(2000, 2004))) {
            disks.push_back(World::make_disk(key, *rc::gen::inRange(1, 3)));
        }
        hardware.set_device(disks);
        config.set_hardware(hardware);
        return config.raw();
    }
};

// Up and down, so that everything is reached in rings.
std::vector<vim::SelectionSpec> rings() {
    return {traversal("up", "ManagedEntity", "parent", {named("up"), named("down")}),
            traversal("down", "Folder", "childEntity", {named("up"), named("down")})};
}

vim::PropertyFilterSpec random_filter(const Simulation& simulation, const MoRef& view,
                                      const MoRef& list, const std::vector<std::string>& paths) {
    const std::vector<std::string_view> names(paths.begin(), paths.end());
    const auto set = properties("VirtualMachine", names);
    const auto from = [&](const MoRef& object, const std::vector<vim::SelectionSpec>& next) {
        return filter({set}, {start(object, next, true)});
    };
    switch (*rc::gen::inRange(0, 7)) {
        case 0:
            return from(simulation.world.root, classic_traversal());
        case 1:
            return from(view, {traversal("", "ContainerView", "view")});
        case 2:
            return from(simulation.second_folder, {traversal("", "Folder", "childEntity")});
        case 3:
            return from(simulation.third_folder, rings());
        case 4:
            return from(list, {traversal("", "ListView", "view")});
        case 5:
            return filter({set}, {start(simulation.second_folder, rings(), true),
                                  start(simulation.world.vm_folder, rings(), true)});
        default:
            return from(simulation.world.host, {traversal("", "HostSystem", "vm")});
    }
}

// A session with some filters, and what its client made of their updates.
class Client {
public:
    Client() {
        const MoRef view =
            views_.create_container_view(*reader_, world_.root, {"VirtualMachine"}, true);
        list_ = views_.create_list_view(*reader_, {});
        const int count = *rc::gen::inRange(1, 4);
        for (int i = 0; i < count; ++i) {
            const auto spec = random_filter(simulation_, view, list_, paths_);
            const MoRef ref = collectors_.create_filter(reader_, collectors_.well_known(), spec,
                                                        *rc::gen::arbitrary<bool>());
            specs_.emplace(ref.id, spec);
        }
    }

    void step() {
        simulation_.step();
        if (*rc::gen::inRange(0, 4) == 0) {
            simulation_.change_permissions();
            collectors_.permissions_changed();
        }
        if (*rc::gen::inRange(0, 4) == 0) {
            std::vector<MoRef> machines;
            for (const int number : *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 6))) {
                machines.push_back({TypeId::VirtualMachine, fmt::format("vm-{}", number)});
            }
            views_.reset_list_view(*reader_, list_, machines);
        }
    }

    // True if there is more. Jobs run one by one, with changes between them.
    bool ask() {
        auto options = vim::WaitOptions::make();
        options.set_maxWaitSeconds(0);
        if (*rc::gen::arbitrary<bool>()) options.set_maxObjectUpdates(*rc::gen::inRange(1, 4));
        bool truncated = false;
        bool answered = false;
        collectors_.wait_for_updates(reader_, collectors_.well_known(), version_, options,
                                     [&](const WaitResult& result) {
                                         answered = true;
                                         RC_ASSERT(!result.fault);
                                         if (result.updates) truncated = take(*result.updates);
                                     });
        while (!answered) {
            RC_ASSERT(jobs_.waiting() > 0U);
            jobs_.run_one();
            if (*rc::gen::inRange(0, 8) == 0) simulation_.step();
        }
        return truncated;
    }

    // Asks until there is nothing more to tell, without changes meanwhile.
    void settle() {
        for (bool more = true; more;) {
            auto options = vim::WaitOptions::make();
            options.set_maxWaitSeconds(0);
            more = false;
            collectors_.wait_for_updates(reader_, collectors_.well_known(), version_, options,
                                         [&](const WaitResult& result) {
                                             RC_ASSERT(!result.fault);
                                             more = result.updates.has_value();
                                             if (more) take(*result.updates);
                                         });
            jobs_.run();
        }
    }

    void compare() {
        for (const auto& [filter, spec] : specs_) {
            Mirror fresh;
            for (const auto& content : retrieve(collectors_, reader_, {spec})) {
                auto& known = fresh[content.obj().id];
                for (const auto& each : content.propSet()) {
                    known.properties.emplace(each.name(), each.val());
                }
                for (const auto& each : content.missingSet()) known.forbidden.emplace(each.path());
            }
            RC_ASSERT(mirrors_[filter] == fresh);
        }
    }

private:
    bool take(const vim::UpdateSet& set) {
        version_ = set.version();
        for (const auto& update : set.filterSet()) {
            for (const auto& object : update.objectSet()) {
                apply(mirrors_[update.filter().id], object, paths_);
            }
        }
        return set.truncated().value_or(false);
    }

    static CollectorLimits small_steps() {
        CollectorLimits limits;
        limits.objects_per_job = 2;
        return limits;
    }

    Simulation simulation_;
    World& world_ = simulation_.world;
    std::shared_ptr<TestReader> reader_ = simulation_.reader;
    Jobs jobs_;
    base::SeededRandom random_{3};
    PropertyCollectors collectors_{world_.inventory, "pc", random_, jobs_.schedule(),
                                   small_steps()};
    Views views_{world_.inventory, "ViewManager", world_.root, random_};
    const std::vector<std::string> paths_ = {"name", "runtime.powerState", "config.hardware",
                                             "config.uuid"};
    MoRef list_;
    std::map<std::string, vim::PropertyFilterSpec> specs_;
    std::map<std::string, Mirror> mirrors_;
    std::string version_;
};

void run_model() {
    Client client;
    const int steps = *rc::gen::inRange(1, 40);
    for (int i = 0; i < steps; ++i) {
        client.step();
        if (*rc::gen::arbitrary<bool>()) continue;
        // Changes happen between the parts of a long answer, too.
        while (client.ask()) {
            if (*rc::gen::inRange(0, 4) == 0) client.step();
        }
        // What happened while the last part was made is told now.
        client.settle();
        client.compare();
    }
}

RC_GTEST_PROP(PropertyCollectorModel, UpdatesGiveWhatRetrievePropertiesGives, ()) {
    run_model();
}

// A retrieval in the smallest steps, with changes between them: each machine that is below the
// folder all the time is in the result once, wherever it moves meanwhile.
RC_GTEST_PROP(PropertyCollectorModel, ARetrievalInPiecesMissesNothing, ()) {
    World world;
    Jobs jobs;
    base::SeededRandom random(3);
    PropertyCollectors collectors(world.inventory, "pc", random, jobs.schedule());
    Transaction tx(world.inventory);
    std::vector<MoRef> folders;
    for (int i = 0; i < 3; ++i) {
        folders.push_back(World::add(tx, TypeId::Folder, fmt::format("group-v{}", 100 + i), "f",
                                     world.vm_folder));
        tx.add_reference(world.vm_folder, property::Folder::childEntity, folders.back());
    }
    for (int i = 1; i <= 5; ++i) {
        const MoRef vm =
            World::add(tx, TypeId::VirtualMachine, fmt::format("vm-{}", i), "m", folders[0]);
        tx.add_reference(folders[0], property::Folder::childEntity, vm);
    }
    tx.commit();
    const auto reader = std::make_shared<TestReader>();
    auto retrieval = collectors.begin_retrieval(
        reader, collectors.well_known(),
        {filter({properties("VirtualMachine", {"name"})},
                {start(world.vm_folder,
                       {traversal("down", "Folder", "childEntity", {named("down")})})})});
    while (!retrieval.advance(1)) {
        if (*rc::gen::arbitrary<bool>()) continue;
        const MoRef vm{TypeId::VirtualMachine, fmt::format("vm-{}", *rc::gen::inRange(1, 6))};
        const MoRef to = folders[*rc::gen::inRange<std::size_t>(0, 3)];
        Transaction move(world.inventory);
        move.remove_reference(move.get(vm, property::ManagedEntity::parent).as_moref(),
                              property::Folder::childEntity, vm);
        move.add_reference(to, property::Folder::childEntity, vm);
        move.set(vm, property::ManagedEntity::parent, Value::moref(to));
        move.commit();
    }
    std::set<std::string> ids;
    const Value contents = retrieval.take()->contents();
    for (const auto& each : vim::ArrayView<vim::ObjectContent>(contents)) {
        RC_ASSERT(ids.insert(each.obj().id).second);
    }
    RC_ASSERT(ids.size() == 5U);
}

}  // namespace
}  // namespace drover::model
