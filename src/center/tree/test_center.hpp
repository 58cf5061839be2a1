#pragma once

// For tests: a center's tree on a store of its own, on the test's own thread. restart() is what a
// process that was killed does next.

#include "center/faults.hpp"
#include "center/references.hpp"
#include "center/tree/numbers.hpp"
#include "center/tree/tree.hpp"
#include "service/accounts.hpp"
#include "service/history/collected_events.hpp"
#include "service/task_manager.hpp"
#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

class TestCenter : public task::TestRuntime {
public:
    TestCenter() {
        service::Accounts(*store).set_password("root", "correct horse");
        restart();
    }
    ~TestCenter() { drain("store"); }
    TestCenter(const TestCenter&) = delete;
    TestCenter& operator=(const TestCenter&) = delete;

    /// Everything but the store begins anew.
    void restart() {
        world.reset();
        settle();
        drain("store");
        store->flush();
        world.emplace(*this);
        run(world->numbers.start());
        run(world->authorization.load());
        run(world->tree.start());
        settle();
    }

    vim::Value call(const vim::MoRef& self, std::string_view method, vim::Value request) {
        task::Call made{self, vim::find_method(method), std::move(request),
                        std::make_shared<task::Caller>()};
        made.caller->session_key = "session";
        made.caller->user = "root";
        const vim::Value result = run(world->dispatcher.invoke(std::move(made)));
        settle();
        return result;
    }
    vim::Value call(const vim::MoRef& self, std::string_view method) {
        return call(self, method, vim::make_object(vim::find_method(method)->request));
    }

    /// Calls a method that makes a task and waits for it: its result, or its fault is thrown.
    vim::Value run_task(const vim::MoRef& self, std::string_view method, vim::Value request) {
        const vim::MoRef ref = call(self, method, std::move(request)).as_moref();
        const auto info = [&] {
            return vim::TaskInfo(world->inventory.get(ref).property(vim::property::Task::info));
        };
        run_until([&] {
            return info().state() == vim::TaskInfoState::success ||
                   info().state() == vim::TaskInfoState::error;
        });
        settle();
        if (info().state() == vim::TaskInfoState::error) {
            throw vim::Fault(info().error().fault(),
                             std::string(info().error().localizedMessage().value_or("")));
        }
        return info().result();
    }
    vim::Value run_task(const vim::MoRef& self, std::string_view method) {
        return run_task(self, method, vim::make_object(vim::find_method(method)->request));
    }

    vim::MoRef create_datacenter(const std::string& name) {
        auto request = vim::CreateDatacenterRequest::make();
        request.set_name(name);
        return call(references::root_folder, "CreateDatacenter", request).as_moref();
    }
    vim::MoRef create_folder(const vim::MoRef& parent, const std::string& name) {
        auto request = vim::CreateFolderRequest::make();
        request.set_name(name);
        return call(parent, "CreateFolder", request).as_moref();
    }
    vim::MoRef create_cluster(const vim::MoRef& folder, const std::string& name) {
        auto request = vim::CreateClusterExRequest::make();
        request.set_name(name);
        request.set_spec(vim::ClusterConfigSpecEx::make());
        return call(folder, "CreateClusterEx", request).as_moref();
    }
    void rename(const vim::MoRef& entity, const std::string& name) {
        auto request = vim::Rename_TaskRequest::make();
        request.set_newName(name);
        run_task(entity, "Rename_Task", request);
    }
    void move(const vim::MoRef& folder, const std::vector<vim::MoRef>& list) {
        auto request = vim::MoveIntoFolder_TaskRequest::make();
        request.set_list(list);
        run_task(folder, "MoveIntoFolder_Task", request);
    }

    /// A stored property of an object; unset if the object is not there.
    vim::Value property(const vim::MoRef& object, std::string_view name) const {
        const auto* found = world->inventory.find(object);
        if (found == nullptr) return {};
        return found->property(*vim::describe(object.type).find_property(name));
    }
    std::string name_of(const vim::MoRef& entity) const {
        const vim::Value name = property(entity, "name");
        return name ? std::string(name.as_string()) : "gone";
    }
    std::vector<std::string> references(const vim::MoRef& object, std::string_view name) const {
        std::vector<std::string> ids;
        const vim::Value list = property(object, name);
        if (!list) return ids;
        for (const vim::Value& each : list.elements()) ids.emplace_back(each.moref_id());
        return ids;
    }
    /// "type id name parent" of all entities, sorted: what must be the same after a restart.
    std::vector<std::string> picture() const {
        std::vector<std::string> lines;
        world->inventory.for_each([&](const model::ManagedObject& object) {
            if (!vim::is_a(object.type(), vim::TypeId::ManagedEntity)) return;
            const vim::Value parent = property(object.ref(), "parent");
            lines.push_back(std::string(vim::describe(object.type()).name()) + " " + object.id() +
                            " " + name_of(object.ref()) + " " +
                            (parent ? std::string(parent.moref_id()) : "-"));
        });
        std::ranges::sort(lines);
        return lines;
    }

    struct World {
        explicit World(TestCenter& test)
            : inventory_manager(inventory),
              dispatcher(inventory, [](const task::Caller&, const vim::MoRef&,
                                       std::string_view) { return true; }),
              tasks(test.runtime, inventory, references::task_manager, fault_of),
              journal(*test.store),
              sagas(test.runtime, journal, [&test] { return test.random.uuid(); }),
              authorization(
                  {test.runtime, inventory, *test.store, references::root_folder, nullptr}),
              methods(inventory, dispatcher, tasks),
              numbers(test.runtime, *test.store),
              basics{test.config,
                     "5e2b6a0c-0000-4000-8000-000000000001",
                     test.runtime,
                     test.random,
                     inventory,
                     dispatcher,
                     tasks,
                     sagas,
                     *test.store,
                     [this](const task::Caller& caller) { return authorization.reader_of(caller); },
                     events,
                     authorization,
                     methods,
                     numbers},
              tree(basics),
              context(basics, tree) {}

        struct TaskManagerObject {
            explicit TaskManagerObject(model::Inventory& inventory) {
                service::create_task_manager(inventory, references::task_manager);
            }
        };
        model::Inventory inventory;
        TaskManagerObject inventory_manager;
        task::Dispatcher dispatcher;
        task::Tasks tasks;
        store::Journal journal;
        task::SagaRunner sagas;
        service::CollectedEvents events;
        service::Authorization authorization;
        TypedMethods methods;
        Numbers numbers;
        CenterBasics basics;
        Tree tree;
        CenterContext context;
    };

    store::TemporaryDirectory directory;
    std::unique_ptr<store::Store> store = store::open_sqlite_store(directory.path() / "centerd.db");
    base::SeededRandom random{1};
    Config config;
    std::optional<World> world;
};

}  // namespace drover::center
