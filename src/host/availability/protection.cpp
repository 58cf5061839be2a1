#include "host/availability/protection.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/file.hpp"
#include "base/log.hpp"
#include "had/config.hpp"
#include "host/availability/vm_monitoring.hpp"
#include "host/faults.hpp"
#include "host/host_system/host_system.hpp"
#include "host/machines/domain.hpp"
#include "service/availability_option.hpp"

namespace drover::host {

using nlohmann::json;
using task::Awaitable;

namespace {

constexpr std::chrono::milliseconds kLook{500};
// So long drover-had may be on its way, after its start or a change.
constexpr std::chrono::seconds kPatience{10};
// Names of hosts and datastores change rarely.
constexpr std::chrono::seconds kLookAgain{5};
constexpr std::chrono::seconds kFileLimit{10};
constexpr std::uint64_t kLongestFile = 8 << 20;
constexpr std::int32_t kLongestOption = 1 << 20;
constexpr std::chrono::seconds kEngineLimit{30};

[[noreturn]] void refuse(const std::string& reason) {
    throw vim::invalid_argument(
        "changedValue.value",
        fmt::format("The option {}: {}.", service::kAvailabilityOption, reason));
}

// The option's text as an object with nothing else in it.
json parsed(std::string_view text) {
    auto value = json::parse(text, nullptr, false);
    const bool is_whole = value.is_object() && value.contains("datastore") &&
                          value["datastore"].is_string() && value.contains("catalogue") &&
                          value.size() == (value.contains("etcd") ? 3 : 2) &&
                          (!value.contains("etcd") || value["etcd"].is_object());
    if (!is_whole) refuse("it must be JSON with 'datastore', 'catalogue' and perhaps 'etcd'");
    return value;
}

const DatastoreEntry* datastore_of(const Datastores& datastores, const std::string& uuid) {
    for (const auto& entry : datastores.all()) {
        if (!uuid.empty() && entry->info.uuid == uuid && !entry->is_removed) return entry.get();
    }
    return nullptr;
}

struct Place {
    std::string name;
    std::filesystem::path path;
};

// Where a datastore is on this host.
using FindPlace = std::function<Place(const std::string& uuid)>;

struct NoDatastore : std::runtime_error {
    explicit NoDatastore(const std::string& uuid)
        : std::runtime_error(fmt::format("datastore: this host has no datastore {}", uuid)) {}
};

FindPlace places_of(const Datastores& datastores) {
    return [&datastores](const std::string& uuid) {
        const auto* found = datastore_of(datastores, uuid);
        if (found == nullptr) throw NoDatastore(uuid);
        return Place{found->name, found->path};
    };
}

// Those on which machines lie, without the one where hosts watch each other.
json other_datastores(const json& option, const FindPlace& find) {
    std::set<std::string> uuids;
    if (!option["catalogue"].is_object()) return json::array();
    for (const auto& machine : option["catalogue"].value("machines", json::array())) {
        if (!machine.is_object() || !machine.contains("datastore")) continue;
        if (machine["datastore"].is_string()) uuids.insert(machine["datastore"]);
    }
    json made = json::array();
    for (const auto& uuid : uuids) {
        const auto place = find(uuid);
        made.push_back({{"id", uuid}, {"name", place.name}, {"path", place.path.string()}});
    }
    return made;
}

std::string file_text(const HostContext& context, const json& option, const FindPlace& find) {
    const auto place = find(option["datastore"]);
    json made{{"host", context.host_uuid},
              {"host_name", context.config.host_name},
              {"datastore", place.name},
              {"datastore_path", place.path.string()},
              {"catalogue", option["catalogue"]}};
    if (auto others = other_datastores(option, find); !others.empty()) {
        made["datastores"] = std::move(others);
    }
    if (option.contains("etcd")) {
        // This host proves who it is by the certificate that its own API shows.
        made["etcd"] = option["etcd"];
        made["etcd"]["identity"] = (context.config.state_directory / "tls").string();
        made["etcd"]["directory"] = (context.config.state_directory / "etcd").string();
    }
    return made.dump() + "\n";
}

}  // namespace

Protection::Protection(Parts parts) : parts_(parts), file_(protection_file(parts.context.config)) {}

void Protection::define_option(Options& options) {
    OptionDefinition made;
    made.key = service::kAvailabilityOption;
    made.label = "What high availability protects";
    made.summary =
        "The hosts and machines of the cluster, and the datastore on which hosts watch each other, "
        "as JSON. The center sets it; empty: nothing is protected.";
    made.initial = vim::Value::string("");
    made.most = kLongestOption;
    made.check = [this](const vim::Value& value) { check(value); };
    made.apply = [this](const vim::Value& value) { take_up(std::string(value.as_string())); };
    options.define(std::move(made));
}

void Protection::take_up(const std::string& text) {
    wanted_ = text;
    had::Config config;
    if (!text.empty()) {
        try {
            // Where the datastore is on this host does not matter here.
            had::Names names;
            const auto anywhere = [](const std::string&) { return Place{"datastore", "/"}; };
            had::parse_protection(file_text(parts_.context, parsed(text), anywhere), "value", names,
                                  config);
        } catch (const std::exception& error) {
            base::log_warning("high availability: {}", error.what());
        }
    }
    std::map<std::string, std::uint64_t> places;
    for (std::size_t row = 0; row < config.files.size(); ++row) {
        places[config.files[row].uuid] = config.catalogue.machines[row].lease_place;
    }
    parts_.availability.expect(places, config.catalogue.version);
    parts_.monitoring.set(std::move(config.monitored));
    parts_.monitoring.set_storage_reactions(std::move(config.reset_when_storage_is_back));
}

// drover-had's own reader says what is wrong with it, before anything is stored.
void Protection::check(const vim::Value& value) const {
    if (value.as_string().empty()) return;
    const json option = parsed(value.as_string());
    try {
        had::Names names;
        had::Config config;
        const auto find = places_of(parts_.context.datastores);
        had::parse_protection(file_text(parts_.context, option, find), "value", names, config);
    } catch (const std::runtime_error& error) {
        refuse(error.what());
    }
}

void Protection::start() {
    parts_.context.runtime.spawn("protection", follow());
}

// What the last run of this daemon has written.
Awaitable<void> Protection::read() {
    const auto text = co_await parts_.context.runtime.blocking(
        "protection",
        [file = file_] {
            return std::filesystem::exists(file) ? base::read_file(file, kLongestFile)
                                                 : std::string();
        },
        kFileLimit);
    note(text);
}

void Protection::note(const std::string& text) {
    const auto file = json::parse(text, nullptr, false);
    if (!file.is_object() || !file.contains("catalogue")) return;
    const auto& catalogue = file["catalogue"];
    written_ = {text, file.value("datastore_path", ""),
                catalogue.value("version", std::uint64_t{1}),
                !catalogue.value("machines", json::array()).empty()};
}

Awaitable<void> Protection::follow() {
    co_await read();
    while (true) {
        std::string problem;
        try {
            co_await settle();
            co_await take_in_unguarded();
            co_await let_go_unkept();
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (!problem.empty() && problem != told_problem_) {
            base::log_warning("high availability: {}", problem);
        }
        told_problem_ = problem;
        show();
        co_await parts_.context.runtime.sleep(kLook);
    }
}

// Nothing while a datastore is not there.
std::optional<std::string> Protection::wanted_file() const {
    try {
        return file_text(parts_.context, parsed(wanted_), places_of(parts_.context.datastores));
    } catch (const NoDatastore&) {
        return std::nullopt;
    }
}

Awaitable<void> Protection::settle() {
    if (wanted_.empty()) {
        if (!written_.text.empty()) co_await retire();
        co_return;
    }
    const auto now = parts_.context.runtime.clock().steady_now();
    if (wanted_ == settled_ && now < next_look_) co_return;
    const auto text = wanted_file();
    if (!text) co_return;
    if (*text == written_.text) {
        settled_ = wanted_;
        next_look_ = now + kLookAgain;
        co_return;
    }
    const json made = json::parse(*text);
    // Of another datastore, or of another cluster: drover-had would not take it up in passing.
    const bool is_another =
        !written_.text.empty() &&
        (written_.datastore_path != made["datastore_path"].get<std::string>() ||
         made["catalogue"].value("version", std::uint64_t{1}) < written_.version);
    if (is_another) {
        co_await retire();
    } else {
        co_await write(*text);
    }
}

// Two steps, so that nobody takes over what still runs here: the machines are let go and their
// leases become plain ones while this host still says that it is alive; then it may fall silent.
Awaitable<void> Protection::retire() {
    if (written_.has_machines) {
        json last = json::parse(written_.text);
        last["catalogue"]["machines"] = json::array();
        last["catalogue"]["version"] = written_.version + 1;
        co_await write(last.dump() + "\n");
    }
    if (!is_released()) co_return;
    co_await parts_.context.runtime.blocking(
        "protection", [file = file_] { std::filesystem::remove(file); }, kFileLimit);
    written_ = {};
    parts_.availability.set_configured(false);
    base::log_info("high availability protects nothing on this host any more");
}

bool Protection::is_released() const {
    const auto& availability = parts_.availability;
    if (!availability.is_connected()) {
        const auto now = parts_.context.runtime.clock().steady_now();
        return silent_since_ && now - *silent_since_ > kPatience;
    }
    if (availability.catalogue() < written_.version) return false;
    for (const MachinePtr& machine : parts_.machines.all()) {
        if (is_guarded(*machine)) return false;
    }
    return true;
}

Awaitable<void> Protection::write(std::string text) {
    // Before it is there: from then on a lease may be drover-had's.
    parts_.availability.set_configured(true);
    co_await parts_.context.runtime.blocking(
        "protection", [file = file_, text] { base::write_file_atomically(file, text, 0640); },
        kFileLimit);
    note(text);
}

Awaitable<void> Protection::let_go_unkept() {
    for (const MachinePtr& machine : parts_.machines.all()) {
        const bool is_free = is_guarded(*machine) && !parts_.availability.keeps(*machine);
        if (is_free && !machine->busy) co_await let_go(machine);
    }
}

// What drover-had has kept for this host, and keeps no more. False if it is not this host's.
Awaitable<bool> Protection::make_lease_plain(MachinePtr machine) {
    const HostContext& context = parts_.context;
    const auto result = co_await context.datastores.run(
        context.datastores.of_path(machine->path),
        [cell = Leases::cell_of(machine->path), uuid = context.host_uuid,
         name = context.config.host_name,
         &clock = context.runtime.clock()](storage::Datastore& store) {
            storage::VmLease lease(store.compare_and_swap(), clock, cell);
            const storage::LeaseState now = lease.read();
            if (now.owner != uuid) return storage::LeaseResult{false, now};
            return lease.acquire(now.generation, {uuid, name});
        });
    if (result.won) machine->lease_generation = result.current.generation;
    co_return result.won;
}

// It runs on like a machine that was never protected.
Awaitable<void> Protection::let_go(MachinePtr machine) {
    const Exclusive exclusive(machine, {});
    if (!co_await make_lease_plain(machine)) {
        throw std::runtime_error(
            fmt::format("machine {} runs here without a lease", machine->id.value()));
    }
    if (!machine->domain || !machine->domain->metadata) co_return;
    auto notes = *machine->domain->metadata;
    auto monitor = notes.extract(std::string(kMetadataMonitor));
    if (monitor) notes[std::string(kMetadataSpareMonitor)] = std::move(monitor.mapped());
    co_await set_notes(machine, std::move(notes));
    base::log_info("machine {} is not protected any more", machine->id.value());
}

Awaitable<void> Protection::set_notes(MachinePtr machine,
                                      std::map<std::string, std::string> notes) {
    notes[std::string(kMetadataGeneration)] = std::to_string(machine->lease_generation);
    co_await parts_.context.runtime.blocking(
        machine->domain_queue(),
        [&engine = parts_.context.hypervisor, uuid = machine->uuid(), notes] {
            engine.set_metadata(uuid, notes);
        },
        kEngineLimit);
    if (machine->domain) machine->domain->metadata = std::move(notes);
    parts_.machines.publish_runtime(machine);
}

// What has run here since before it was to be protected.
Awaitable<void> Protection::take_in_unguarded() {
    const auto& availability = parts_.availability;
    for (const MachinePtr& machine : parts_.machines.all()) {
        const bool waits = availability.is_connected() && availability.protects(*machine) &&
                           has_spare_monitor(*machine) && !machine->busy;
        if (waits) co_await take_in(machine);
    }
}

// Dies this daemon in between, the next one asks again, and drover-had says that it has it.
Awaitable<void> Protection::take_in(MachinePtr machine) {
    const Exclusive exclusive(machine, {});
    const auto generation = co_await parts_.availability.adopt(machine);
    if (!generation || !has_spare_monitor(*machine)) co_return;
    machine->lease_generation = *generation;
    auto notes = *machine->domain->metadata;
    auto monitor = notes.extract(std::string(kMetadataSpareMonitor));
    notes[std::string(kMetadataMonitor)] = std::move(monitor.mapped());
    co_await set_notes(machine, std::move(notes));
    base::log_info("machine {} is protected from now on", machine->id.value());
}

// In the API's words; there is no master here, so a host that is one of those that watch each other
// is as good as connected to it.
void Protection::show() {
    const auto& availability = parts_.availability;
    const auto now = parts_.context.runtime.clock().steady_now();
    if (availability.is_connected()) {
        silent_since_.reset();
    } else if (!silent_since_) {
        silent_since_ = now;
    }
    std::string state;
    if (!written_.text.empty() || !wanted_.empty()) {
        const bool is_missed = silent_since_ && now - *silent_since_ > kPatience;
        const bool is_up = availability.is_connected() &&
                           availability.catalogue() == written_.version && !written_.text.empty();
        state = is_missed ? "fdmUnreachable" : is_up ? "connectedToMaster" : "election";
    }
    if (state == shown_) return;
    shown_ = state;
    parts_.host_system.set_availability(state);
    for (const MachinePtr& machine : parts_.machines.all()) {
        if (machine->domain) parts_.machines.publish_runtime(machine);
    }
}

}  // namespace drover::host
