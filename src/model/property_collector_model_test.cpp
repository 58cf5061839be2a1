// The promise of a filter: whoever applies its updates one by one has, at any moment, just what
// RetrieveProperties would give. Random transactions, random filters, random moments of asking;
// rapidcheck prints the seed of a failure and shrinks it.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "model/property_collector.hpp"
#include "model/property_path.hpp"
#include "model/test_world.hpp"
#include "model/views.hpp"

namespace drover::model {
namespace {

using namespace testing;

using Properties = std::map<std::string, Value, std::less<>>;
using Mirror = std::map<std::string, Properties>;

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

void apply(Properties& properties, const vim::PropertyChange& change,
           const std::vector<std::string>& paths) {
    const std::string_view name = change.name();
    for (const std::string& path : paths) {
        if (!name.starts_with(path)) continue;
        const auto rest = name.substr(path.size());
        if (!rest.empty() && rest.front() != '.' && rest.front() != '[') continue;
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
    MoRef second_folder = [this] {
        Transaction tx(world.inventory);
        const MoRef folder = World::add(tx, TypeId::Folder, "group-v99", "second", world.vm_folder);
        tx.add_reference(world.vm_folder, property::Folder::childEntity, folder);
        tx.commit();
        return folder;
    }();

private:
    static constexpr int kMachines = 6;

    void change(Transaction& tx) {
        const int number = *rc::gen::inRange(1, kMachines);
        const MoRef vm{TypeId::VirtualMachine, fmt::format("vm-{}", number)};
        if (!tx.exists(vm)) {
            world.add_machine(tx, number);
            return;
        }
        switch (*rc::gen::inRange(0, 7)) {
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

vim::PropertyFilterSpec random_filter(const Simulation& simulation, const MoRef& view,
                                      const std::vector<std::string>& paths) {
    const std::vector<std::string_view> names(paths.begin(), paths.end());
    const auto set = properties("VirtualMachine", names);
    switch (*rc::gen::inRange(0, 4)) {
        case 0:
            return filter({set}, {start(simulation.world.root, classic_traversal(), true)});
        case 1:
            return filter({set}, {start(view, {traversal("", "ContainerView", "view")}, true)});
        case 2:
            return filter({set}, {start(simulation.second_folder,
                                        {traversal("", "Folder", "childEntity")}, true)});
        default:
            return filter(
                {set}, {start(simulation.world.host, {traversal("", "HostSystem", "vm")}, true)});
    }
}

void run_model() {
    Simulation simulation;
    Jobs jobs;
    base::SeededRandom random(3);
    PropertyCollectors collectors(simulation.world.inventory, "pc", random, jobs.schedule());
    Views views(simulation.world.inventory, "ViewManager", simulation.world.root, random);
    const auto reader = std::make_shared<TestReader>();
    const MoRef view =
        views.create_container_view(*reader, simulation.world.root, {"VirtualMachine"}, true);
    const std::vector<std::string> paths = {"name", "runtime.powerState", "config.hardware",
                                            "config.uuid"};
    const auto spec = random_filter(simulation, view, paths);
    collectors.create_filter(reader, collectors.well_known(), spec, *rc::gen::arbitrary<bool>());

    Mirror mirror;
    std::string version;
    const auto ask = [&] {
        auto options = vim::WaitOptions::make();
        options.set_maxWaitSeconds(0);
        if (*rc::gen::arbitrary<bool>()) options.set_maxObjectUpdates(*rc::gen::inRange(1, 4));
        bool truncated = false;
        collectors.wait_for_updates(*reader, collectors.well_known(), version, options,
                                    [&](const WaitResult& result) {
                                        RC_ASSERT(!result.fault);
                                        if (!result.updates) return;
                                        version = result.updates->version();
                                        truncated = result.updates->truncated().value_or(false);
                                        for (const auto& update : result.updates->filterSet()) {
                                            for (const auto& object : update.objectSet())
                                                apply(mirror, object, paths);
                                        }
                                    });
        jobs.run();
        return truncated;
    };
    const int steps = *rc::gen::inRange(1, 40);
    for (int i = 0; i < steps; ++i) {
        simulation.step();
        if (*rc::gen::arbitrary<bool>()) continue;
        // Changes happen between the parts of a long answer, too.
        while (ask()) {
            if (*rc::gen::inRange(0, 4) == 0) simulation.step();
        }
        Mirror fresh;
        for (const auto& content : collectors.retrieve_properties(*reader, {spec})) {
            auto& object = fresh[content.obj().id];
            for (const auto& each : content.propSet()) {
                object.emplace(each.name(), each.val());
            }
        }
        RC_ASSERT(mirror == fresh);
    }
}

RC_GTEST_PROP(PropertyCollectorModel, UpdatesGiveWhatRetrievePropertiesGives, ()) {
    run_model();
}

}  // namespace
}  // namespace drover::model
