#include "host/simulated/population.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "base/file.hpp"
#include "base/log.hpp"
#include "host/datastores.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "host/simulated/machine_mold.hpp"

namespace drover::host {
namespace {

constexpr std::chrono::minutes kLimit{10};
constexpr std::string_view kKind = "simulation";
constexpr std::string_view kId = "population";
constexpr std::string_view kBegun = "begun";

void write_plainly(const std::filesystem::path& path, std::string_view text,
                   std::uint64_t size_bytes = 0) {
    const base::FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0660));
    bool done = file.get() >= 0;
    done =
        done && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (done && size_bytes != 0)
        done = ::ftruncate(file.get(), static_cast<off_t>(size_bytes)) == 0;
    if (!done) throw std::system_error(errno, std::generic_category(), path.string());
}

/// All that the work off the strand needs.
class Filler {
public:
    Filler(const HostContext& context, const DatastoreEntry& home)
        : context_(context),
          home_(home),
          random_(context.config.simulation->engine.seed),
          top_(home.store->host_path(*storage::DatastorePath::make(home.name, ""))) {
        const std::string network =
            context.networks.all().empty() ? "" : context.networks.all().front().name;
        for (const auto& kind : MachineMold::kinds()) {
            molds_.emplace_back(kind, home.name, network, context.host_info.default_machine_type,
                                random_);
        }
    }

    /// Whether there is something to do: nothing is registered and the datastore is empty, or an
    /// earlier run was cut off.
    bool is_due() {
        if (!context_.store.load("vm").empty()) return false;
        if (context_.store.get(kKind, kId)) return true;
        for (const auto& entry : std::filesystem::directory_iterator(top_)) {
            if (!entry.path().filename().string().starts_with('.')) return false;
        }
        return true;
    }

    void fill(std::uint32_t count) {
        mark(kBegun);
        for (const auto& domain : context_.hypervisor.list()) {
            context_.hypervisor.destroy(domain.uuid);
        }
        for (std::uint32_t number = 1; number <= count; ++number) add(number);
        store::Record last;
        last.kind = "counter";
        last.id = "vm";
        last.value = std::to_string(count);
        records_.put(std::move(last));
        records_.remove(std::string(kKind), std::string(kId));
        context_.store.commit_and_wait(std::move(records_));
    }

private:
    void mark(std::string_view state) {
        store::Record record;
        record.kind = kKind;
        record.id = kId;
        record.value = state;
        context_.store.commit_and_wait(store::Batch().put(std::move(record)));
    }

    void add(std::uint32_t number) {
        const CastMachine made = molds_[number % molds_.size()].cast(number, random_);
        const auto directory = top_ / made.name;
        if (::mkdir(directory.c_str(), 0770) != 0 && errno != EEXIST) {
            throw std::system_error(errno, std::generic_category(), directory.string());
        }
        write_plainly(directory / (made.name + ".vmx"), made.file.to_string());
        write_plainly(directory / (made.name + ".vmdk"), made.disk.to_string());
        write_plainly(directory / (made.name + "-flat.raw"), "",
                      made.disk.capacity_sectors() * 512);
        const auto path =
            *storage::DatastorePath::make(home_.name, made.name + "/" + made.name + ".vmx");
        if (number % 2 == 0) start(made, path, directory);
        records_.put(
            Machines::record_of(VmId(std::to_string(number)), path, false, references::root_pool));
    }

    // As a power-on would leave it: a lease in its first generation, and a domain.
    void start(const CastMachine& made, const storage::DatastorePath& path,
               const std::filesystem::path& directory) {
        storage::LeaseState lease;
        lease.generation = 1;
        lease.owner = context_.host_uuid;
        lease.owner_name = context_.config.host_name;
        lease.time = context_.runtime.clock().wall_now();
        write_plainly(directory / (Leases::cell_of(path).file_name() + ".1"),
                      storage::format_lease(lease));
        context_.hypervisor.start(make_domain_spec(context_, input_of(made, path)));
    }

    DomainInput input_of(const CastMachine& made, const storage::DatastorePath& path) const {
        machine::ReadContext reading;
        reading.vm_path = path.to_string();
        reading.datastores[home_.name] = {};
        for (const NetworkEntry& network : context_.networks.all()) {
            reading.networks[network.name] = network.ref;
        }
        machine::DiskFacts facts;
        facts.capacity_bytes = static_cast<std::int64_t>(made.disk.capacity_sectors() * 512);
        facts.provisioning = machine::Provisioning::thin;
        facts.uuid = made.disk_uuid;
        facts.adapter = made.disk.adapter_type();
        reading.disks[path.parent().child(made.name + ".vmdk")->to_string()] = facts;
        return {made.file, machine::config_from_vmx(made.file, reading), path, 1};
    }

    const HostContext& context_;
    const DatastoreEntry& home_;
    base::SeededRandom random_;
    std::filesystem::path top_;
    std::vector<MachineMold> molds_;
    store::Batch records_;
};

}  // namespace

task::Awaitable<void> populate(const HostContext& context) {
    if (!context.config.simulation || context.config.simulation->machines == 0) co_return;
    if (context.datastores.all().empty()) {
        base::log_warning("there is no datastore to put simulated machines on");
        co_return;
    }
    const DatastoreEntry& home = *context.datastores.all().front();
    co_await context.runtime.blocking(
        home.queue(),
        [&context, &home] {
            Filler filler(context, home);
            if (!filler.is_due()) return;
            const std::uint32_t count = context.config.simulation->machines;
            base::log_info("filling datastore '{}' with {} simulated machines", home.name, count);
            filler.fill(count);
        },
        kLimit);
}

}  // namespace drover::host
