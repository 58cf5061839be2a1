#pragma once

// For this directory's tests: a host with two real datastores in temporary directories, its
// services and its strand, run by the test's own thread.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "host/datastores.hpp"
#include "host/faults.hpp"
#include "host/files/in_use.hpp"
#include "host/inventory_root.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"
#include "service/history/collected_events.hpp"
#include "vim/properties.hpp"

namespace drover::host::files {

class TestHost {
public:
    TestHost() {
        model::Transaction transaction(inventory);
        transaction.create(references::task_manager.type, references::task_manager.id);
        transaction.commit();
        create_inventory_root(context);
        model::Transaction more(inventory);
        more.create(references::host.type, references::host.id);
        more.commit();
        run(datastores.start());
    }
    ~TestHost() {
        std::error_code ignored;
        std::filesystem::remove_all(top_, ignored);
    }
    TestHost(const TestHost&) = delete;
    TestHost& operator=(const TestHost&) = delete;

    /// Runs a coroutine on the strand until it ends; gives its result or throws.
    template <class T>
    T run(task::Awaitable<T> coroutine) {
        auto future = boost::asio::co_spawn(strand, std::move(coroutine), boost::asio::use_future);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("test hangs");
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        return future.get();
    }

    /// Calls a method as a client does.
    template <class Request>
    vim::Value call(const vim::MoRef& self, std::string_view method, const Request& request) {
        task::Call made;
        made.self = self;
        made.method = vim::find_method(method);
        made.request = request.raw();
        caller->session_key = "session";
        caller->user = "root";
        made.caller = caller;
        try {
            return run(dispatcher.invoke(std::move(made)));
        } catch (...) {
            throw fault_of(std::current_exception());  // as the endpoint does
        }
    }

    /// The same for a method that starts a task; waits for it and gives its result, or throws its
    /// error as a vim::Fault.
    template <class Request>
    vim::Value call_task(const vim::MoRef& self, std::string_view method, const Request& request) {
        const vim::MoRef ref = call(self, method, request).as_moref();
        const vim::TaskInfo info = wait(ref);
        if (info.state() == vim::TaskInfoState::error) {
            const auto error = info.error();
            throw vim::Fault(vim::MethodFault(error.fault().raw()),
                             std::string(error.localizedMessage().value_or("")));
        }
        return info.raw().property("result");
    }

    vim::TaskInfo wait(const vim::MoRef& ref) {
        while (true) {
            const vim::TaskInfo info(inventory.get(ref).property(vim::property::Task::info));
            if (info.state() != vim::TaskInfoState::running) return info;
            run(runtime.sleep(std::chrono::milliseconds(5)));
        }
    }

    DatastoreEntry& entry(std::string_view name = "one") { return *datastores.find(name); }
    storage::Datastore& files(std::string_view name = "one") { return *entry(name).store; }

    void write(const std::string& name, const std::string& content) {
        std::filesystem::create_directories((top_ / name).parent_path());
        std::ofstream(top_ / name, std::ios::binary) << content;
    }
    std::string read(const std::string& name) const {
        std::ifstream file(top_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool exists(const std::string& name) const { return std::filesystem::exists(top_ / name); }
    bool is_directory(const std::string& name) const {
        return std::filesystem::is_directory(top_ / name);
    }
    /// The names in a directory, the datastore's own left out.
    std::set<std::string> names(const std::string& directory) const {
        std::set<std::string> found;
        for (const auto& item : std::filesystem::directory_iterator(top_ / directory)) {
            const std::string name = item.path().filename();
            if (!name.starts_with(".drover")) found.insert(name);
        }
        return found;
    }

    /// A machine that has what `InUse` looks at; running if `runs`.
    std::shared_ptr<Machine> add_machine(const std::string& vmx, bool runs) {
        auto machine = std::make_shared<Machine>();
        machine->path = storage::DatastorePath::parse(vmx).value();
        machine->config = vim::VirtualMachineConfigInfo::make();
        machine->config.set_name("guest");
        machine->config.set_hardware(vim::VirtualHardware::make());
        if (runs) machine->domain.emplace();
        machines.push_back(machine);
        return machine;
    }
    InUse in_use() {
        return InUse([this] { return machines; });
    }

private:
    static std::filesystem::path make_top() {
        const auto top = std::filesystem::temp_directory_path() /
                         ("drover-files-" + base::SystemRandom().hex(8));
        for (const char* name : {"one", "two"}) std::filesystem::create_directories(top / name);
        return top;
    }
    Config make_config() const {
        Config made;
        for (const char* name : {"one", "two"}) made.datastores.push_back({name, top_ / name});
        return made;
    }
    // Nobody listens there: files need no hypervisor.
    std::unique_ptr<hypervisor::Hypervisor> make_engine() const {
        base::set_log_level(base::LogLevel::error);
        hypervisor::LibvirtOptions options;
        options.uri = "qemu+unix:///system?socket=" + (top_ / "nobody").string();
        return hypervisor::make_libvirt_hypervisor(options);
    }

    const std::filesystem::path top_ = make_top();

public:
    boost::asio::io_context io;
    boost::asio::any_io_executor strand{boost::asio::make_strand(io)};
    base::SystemClock clock;
    base::SystemRandom random;
    Config config = make_config();
    std::shared_ptr<task::Caller> caller = std::make_shared<task::Caller>();
    std::set<std::string> refused_privileges;
    task::PrivilegeCheck may = [this](const task::Caller&, const vim::MoRef&,
                                      std::string_view privilege) {
        return !refused_privileges.contains(std::string(privilege));
    };
    std::vector<std::shared_ptr<Machine>> machines;
    // Before the runtime, whose threads use them until it is gone.
    std::unique_ptr<store::Store> store = store::open_sqlite_store(top_ / "store.sqlite");
    std::unique_ptr<hypervisor::Hypervisor> engine = make_engine();
    task::Runtime runtime{strand, clock, 8};
    model::Inventory inventory;
    task::Dispatcher dispatcher{inventory, may};
    task::Tasks tasks{runtime, inventory, references::task_manager, fault_of};
    store::Journal journal{*store};
    task::SagaRunner sagas{runtime, journal, [this] { return random.uuid(); }};
    hypervisor::HostInfo host_info;
    service::CollectedEvents events;
    const HostBasics basics{
        .config = config,
        .host_uuid = "this-host",
        .runtime = runtime,
        .random = random,
        .inventory = inventory,
        .dispatcher = dispatcher,
        .tasks = tasks,
        .sagas = sagas,
        .store = *store,
        .hypervisor = *engine,
        .host_info = host_info,
        .rootd = nullptr,
        .readers =
            [this](const task::Caller& who) {
                return std::make_shared<service::CallerReader>(who, may);
            },
        .events = events,
    };
    Datastores datastores{basics};
    Networks networks{basics};
    const HostContext context{basics, datastores, networks};
};

/// The type of the fault that an operation ends with; DynamicData and a failure if it does not.
template <class Operation>
vim::TypeId fault_type(Operation operation) {
    try {
        operation();
    } catch (const vim::Fault& fault) {
        EXPECT_FALSE(fault.message().empty());
        return fault.fault().raw().type();
    }
    ADD_FAILURE() << "no fault";
    return vim::TypeId::DynamicData;
}

}  // namespace drover::host::files
