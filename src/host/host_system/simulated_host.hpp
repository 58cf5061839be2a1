#pragma once

// For tests: a host without machines on it whose hypervisor says what the test wants. Its services
// run on the test's own thread.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "host/datastores.hpp"
#include "host/faults.hpp"
#include "host/inventory_root.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "service/history/collected_events.hpp"
#include "vim/properties.hpp"

namespace drover::host::simulated {

/// Answers with what its members hold; it runs nothing.
class FakeHypervisor : public hypervisor::Hypervisor {
public:
    std::vector<hypervisor::DomainStats> domain_stats;
    hypervisor::HostStats counters;
    bool fails = false;

    std::vector<hypervisor::DomainStats> stats() override {
        if (fails) refuse();
        return domain_stats;
    }
    hypervisor::HostStats host_stats() override { return counters; }
    hypervisor::HostInfo host_info() override { return {}; }
    std::vector<hypervisor::DomainInfo> list() override { return {}; }
    std::optional<hypervisor::DomainInfo> find(const hypervisor::DomainUuid&) override {
        return std::nullopt;
    }

    using Uuid = hypervisor::DomainUuid;
    using Spec = hypervisor::DomainSpec;
    hypervisor::DomainInfo start(const Spec&, hypervisor::InitialState) override { refuse(); }
    void save(const Uuid&, const std::string&) override { refuse(); }
    hypervisor::DomainInfo restore(const std::string&, const Spec&,
                                   hypervisor::InitialState) override {
        refuse();
    }
    bool is_save_image_complete(const std::string&) override { refuse(); }
    void destroy(const Uuid&) override { refuse(); }
    void reset(const Uuid&) override { refuse(); }
    void shutdown(const Uuid&, hypervisor::GuestRequest) override { refuse(); }
    void reboot(const Uuid&, hypervisor::GuestRequest) override { refuse(); }
    void pause(const Uuid&) override { refuse(); }
    void resume(const Uuid&) override { refuse(); }
    void set_metadata(const Uuid&, const std::map<std::string, std::string>&) override { refuse(); }
    hypervisor::GuestInfo guest_info(const Uuid&) override { refuse(); }
    bool agent_ping(const Uuid&) override { refuse(); }
    void change_media(const Uuid&, const std::string&, const std::optional<hypervisor::DiskImage>&,
                      bool) override {
        refuse();
    }
    void set_link_state(const Uuid&, const std::string&, bool) override { refuse(); }
    hypervisor::Screenshot screenshot(const Uuid&) override { refuse(); }
    void set_balloon(const Uuid&, std::uint64_t) override { refuse(); }
    void set_cpu_tuning(const Uuid&, const hypervisor::CpuTuning&) override { refuse(); }
    std::unique_ptr<hypervisor::Subscription> subscribe(hypervisor::EventSink) override {
        refuse();
    }

private:
    [[noreturn]] static void refuse() { throw std::runtime_error("the fake does not do this"); }
};

class SimulatedHost {
public:
    SimulatedHost() {
        model::Transaction transaction(inventory);
        transaction.create(references::task_manager.type, references::task_manager.id);
        transaction.commit();
        create_inventory_root(context);
    }
    ~SimulatedHost() {
        store.reset();
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
    SimulatedHost(const SimulatedHost&) = delete;
    SimulatedHost& operator=(const SimulatedHost&) = delete;

    /// Runs a coroutine on the strand to its end.
    template <class T>
    T run(task::Awaitable<T> coroutine) {
        auto future = boost::asio::co_spawn(strand, std::move(coroutine), boost::asio::use_future);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("test hangs");
            io.restart();
            io.run_one_for(std::chrono::milliseconds(100));
        }
        return future.get();
    }

    vim::Value call(const vim::MoRef& self, std::string_view method, vim::Value request) {
        task::Call made{self, vim::find_method(method), std::move(request),
                        std::make_shared<task::Caller>()};
        made.caller->session_key = "session";
        return run(dispatcher.invoke(std::move(made)));
    }
    vim::Value call(const vim::MoRef& self, std::string_view method) {
        return call(self, method, vim::make_object(vim::find_method(method)->request));
    }

    vim::TaskInfo task_info(const vim::MoRef& ref) const {
        return vim::TaskInfo(inventory.get(ref).property(vim::property::Task::info));
    }
    vim::TaskInfo wait(const vim::MoRef& ref) {
        while (task_info(ref).state() == vim::TaskInfoState::running ||
               task_info(ref).state() == vim::TaskInfoState::queued) {
            run(runtime.sleep(std::chrono::milliseconds(5)));
        }
        return task_info(ref);
    }

    /// A machine object that shows this power state.
    vim::MoRef add_machine(const std::string& id, vim::VirtualMachinePowerState state) {
        const vim::MoRef ref{vim::TypeId::VirtualMachine, id};
        model::Transaction transaction(inventory);
        transaction.create(ref.type, ref.id);
        transaction.add_reference(references::host, vim::property::HostSystem::vm, ref);
        transaction.commit();
        set_power(ref, state);
        return ref;
    }
    void set_power(const vim::MoRef& ref, vim::VirtualMachinePowerState state) {
        auto runtime_info = vim::VirtualMachineRuntimeInfo::make();
        runtime_info.set_powerState(state);
        model::Transaction transaction(inventory);
        transaction.set(ref, vim::property::VirtualMachine::runtime, runtime_info.raw());
        transaction.commit();
    }

    const std::filesystem::path directory = [] {
        auto made =
            std::filesystem::temp_directory_path() / ("drover-host-" + base::SystemRandom().hex(8));
        std::filesystem::create_directories(made);
        return made;
    }();
    boost::asio::io_context io;
    boost::asio::any_io_executor strand{boost::asio::make_strand(io)};
    base::SystemClock clock;
    base::SystemRandom random;
    Config config = [] {
        Config made;
        made.host_name = "host1.example.org";
        made.management_address = "192.0.2.7";
        made.networks = {{"VM Network", "br0"}};
        return made;
    }();
    task::PrivilegeCheck may = [](const task::Caller&, const vim::MoRef&, std::string_view) {
        return true;
    };
    task::Runtime runtime{strand, clock, 4};
    model::Inventory inventory;
    task::Dispatcher dispatcher{inventory, may};
    task::Tasks tasks{runtime, inventory, references::task_manager, fault_of};
    std::unique_ptr<store::Store> store = store::open_sqlite_store(directory / "store.sqlite");
    store::Journal journal{*store};
    task::SagaRunner sagas{runtime, journal, [this] { return random.uuid(); }};
    FakeHypervisor engine;
    hypervisor::HostInfo host_info = [] {
        hypervisor::HostInfo made;
        made.cpu_vendor = "Intel";
        made.cpu_model = "Skylake";
        made.cpu_mhz = 2000;
        made.logical_cpus = 4;
        made.cores = 4;
        made.sockets = 1;
        made.threads_per_core = 1;
        made.memory_bytes = 8ULL << 30;
        return made;
    }();
    service::CollectedEvents events;
    const HostBasics basics{
        .config = config,
        .host_uuid = "5e2b6a0c-0000-4000-8000-000000000001",
        .runtime = runtime,
        .random = random,
        .inventory = inventory,
        .dispatcher = dispatcher,
        .tasks = tasks,
        .sagas = sagas,
        .store = *store,
        .hypervisor = engine,
        .host_info = host_info,
        .rootd = nullptr,
        .readers = {},
        .events = events,
    };
    Datastores datastores{basics};
    Networks networks{basics};
    const HostContext context{basics, datastores, networks};
};

/// Names of required properties that are unset somewhere within a value
/// ("HostHardwareInfo.cpuInfo").
inline void find_missing(const vim::Value& value, std::vector<std::string>& missing) {
    if (value.kind() == vim::ValueKind::array) {
        for (const auto& element : value.elements()) find_missing(element, missing);
    }
    if (value.kind() != vim::ValueKind::object) return;
    const auto& type = vim::describe(value.type());
    for (std::size_t index = 0; index < type.properties().size(); ++index) {
        const auto& property = type.properties()[index];
        if (value.slots()[index]) {
            find_missing(value.slots()[index], missing);
        } else if (!property.optional()) {
            missing.push_back(std::string(type.name()) + "." + std::string(property.name()));
        }
    }
}

inline std::vector<std::string> missing_in(const vim::Value& value) {
    std::vector<std::string> missing;
    find_missing(value, missing);
    return missing;
}

}  // namespace drover::host::simulated
