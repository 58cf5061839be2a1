#include "had/agent/driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.hpp"
#include "had/boot_clock.hpp"
#include "had/fence/qmp.hpp"

namespace drover::had {

namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

// It is killed after five.
constexpr ha::Duration kRetireLimit = std::chrono::seconds{8};

ha::HostId self_of(const Config& config, Names& names) {
    return *names.host(config.host);
}

// FNV-1a: the same on every host.
ha::EtcdId etcd_id(const std::string& token) {
    ha::EtcdId made = 0xcbf29ce484222325;
    for (const char c : token) {
        made = (made ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return made == 0 ? 1 : made;
}

}  // namespace

Inbox::Inbox() : ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Inbox::put(ha::Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto done = ::write(ready_.get(), &one, sizeof(one));
}

std::deque<ha::Event> Inbox::take() {
    const std::lock_guard lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto done = ::read(ready_.get(), &count, sizeof(count));
    return std::exchange(events_, {});
}

Driver::Driver(Config config, std::filesystem::path config_file, std::shared_ptr<Names> names,
               SharedState& shared, uid_t user)
    : config_(std::move(config)),
      config_file_(std::move(config_file)),
      names_(std::move(names)),
      shared_(shared),
      fencer_(ha::Timing{}, ha::StorageFencing::none),
      agent_({.self = self_of(config_, *names_)}, fencer_),
      datastore_({config_.datastore, config_.datastore_path, "", config_.host, config_.host_name},
                 names_, [inbox = inbox_](ha::Event event) { inbox->put(std::move(event)); }),
      etcd_(names_, [inbox = inbox_](ha::Event event) { inbox->put(std::move(event)); }),
      member_({config_.etcd_program, config_.run_directory,
               config_.datastore_path / DatastoreChannel::kDirectory, config_.host}),
      host_(
          config_.socket(), user, [this](const HostMessage& message) { take(message); },
          [this](bool came) { host_came_or_went(came); }),
      wake_(::open((config_.run_directory / "wake").c_str(),
                   O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)) {}

// The numbers are those of the shared state: it outlives this process.
void Driver::register_machines() {
    std::vector<LeasePlace> places;
    auto transaction = shared_.begin();
    if (!transaction) throw std::runtime_error("the shared state is held by somebody");
    auto& image = transaction->image();
    for (const auto& file : config_.files) {
        places.push_back({*names_->machine(file.uuid), file.vmx_file, file.datastore});
    }
    for (std::uint32_t number = image.count; number < Names::kMostMachines; ++number) {
        const auto uuid = names_->uuid_of(ha::MachineId{number});
        if (uuid.empty()) break;
        image.machines[number] = {};
        std::ranges::copy(uuid, image.machines[number].uuid.begin());
        image.count = number + 1;
    }
    let_go_unprotected(image);
    transaction->commit();
    std::vector<LeaseStoreSettings> others;
    for (const auto& each : config_.others) {
        others.push_back({each.name, each.path, each.uuid, config_.host, config_.host_name});
    }
    datastore_.protect(places, others);
    timeline_.know(config_);
}

// Whoever is told of another etcd never speaks to the one before again.
void Driver::take_up_etcd() {
    EtcdSettings settings;
    if (config_.etcd) {
        settings.etcd = etcd_id(config_.etcd->token);
        settings.identity = config_.etcd->identity;
        settings.authorities = config_.etcd->authorities;
        for (const auto& member : config_.etcd->members) {
            settings.members.push_back({member.address, config_.etcd->client_port});
        }
    }
    const auto etcd = settings.etcd;
    etcd_.use(std::move(settings));
    step(ha::EtcdChanged{etcd});
    member_.want(config_.etcd);
}

// Its lease stays in this host's name, so nobody else starts it; but nothing guards it any more.
void Driver::let_go_unprotected(SharedImage& image) {
    for (std::uint32_t number = 0; number < image.count; ++number) {
        auto& machine = image.machines[number];
        const auto uuid = names_->uuid_of(ha::MachineId{number});
        const auto file = std::ranges::find(config_.files, uuid, &ProtectedFile::uuid);
        if (!machine.is_guarded || file != config_.files.end()) continue;
        if (machine.guarded.state != ha::Guard::running) continue;
        base::log_info("{} is not protected any more, it runs on", uuid);
        machine.is_guarded = false;
        machine.is_free = true;
    }
}

// What could not be let go when the configuration changed, since it stood still.
void Driver::let_go_late() {
    const auto before = guarded();
    const bool is_left = std::ranges::any_of(before, [this](const std::string& uuid) {
        return std::ranges::find(config_.files, uuid, &ProtectedFile::uuid) == config_.files.end();
    });
    if (!is_left) return;
    {
        auto transaction = shared_.begin();
        if (!transaction) return;
        let_go_unprotected(transaction->image());
        transaction->commit();
    }
    if (guarded() != before) greet();
}

std::vector<std::string> Driver::guarded() {
    std::vector<std::string> all;
    auto transaction = shared_.begin();
    // Unknown is not none.
    if (!transaction) {
        for (const auto& file : config_.files) all.push_back(file.uuid);
        return all;
    }
    const auto& image = transaction->image();
    for (std::uint32_t number = 0; number < image.count; ++number) {
        if (!image.machines[number].is_guarded) continue;
        all.push_back(names_->uuid_of(ha::MachineId{number}));
    }
    return all;
}

// The agent of another host or datastore is another process.
bool Driver::is_about_something_else(const Config& config) const {
    return config.host != config_.host || config.datastore_path != config_.datastore_path;
}

void Driver::look_at_config() {
    const auto now = boot_now();
    if (now - config_looked_ < std::chrono::seconds{1}) return;
    config_looked_ = now;
    let_go_late();
    const auto& file = config_.generated.empty() ? config_file_ : config_.generated;
    std::error_code error;
    const auto time = std::filesystem::last_write_time(file, error);
    if (error && !config_.generated.empty()) {
        is_retired_ = config_.files.empty() && guarded().empty();
        return;
    }
    if (error || time == config_time_) return;
    try {
        auto config = load_config(config_file_, *names_);
        const bool is_older = !config_.generated.empty() && config_.files.empty() &&
                              config.catalogue.version < config_.catalogue.version;
        if (is_about_something_else(config) || is_older) {
            // With nothing to guard the next agent can begin with it at once.
            is_retired_ = guarded().empty();
            return;
        }
        config_time_ = time;
        config_.datastore = config.datastore;  // somebody may have renamed it
        if (config.catalogue.version > config_.catalogue.version) take_up(std::move(config));
    } catch (const std::exception& problem) {
        config_time_ = time;
        base::log_error("the configuration is not taken up: {}", problem.what());
    }
}

void Driver::take_up(Config config) {
    config_.catalogue = std::move(config.catalogue);
    config_.files = std::move(config.files);
    config_.others = std::move(config.others);
    config_.etcd = std::move(config.etcd);
    register_machines();
    take_up_etcd();
    step(ha::CatalogueChanged{std::make_shared<ha::Catalogue>(config_.catalogue)});
    base::log_info("{} machines are protected", config_.catalogue.machines.size());
    greet();
}

void Driver::run() {
    register_machines();
    take_up_etcd();
    step(ha::HostTakesMachines{false});
    step(ha::CatalogueChanged{std::make_shared<ha::Catalogue>(config_.catalogue)});
    base::log_info("{} machines are protected", config_.catalogue.machines.size());
    while (!is_retired_) {
        shared_.memory().agent_alive_us = boot_now().time_since_epoch().count();
        for (const auto& event : inbox_->take()) step(event);
        look_at_config();
        host_.pump();
        if (boot_now() >= agent_.next_wake()) step(ha::Tick{});
        std::vector<pollfd> all{{inbox_->descriptor(), POLLIN, 0}};
        host_.add_to(all);
        look_at_moves();
        const ha::Duration most = moves_.empty() ? milliseconds{500} : milliseconds{5};
        const auto wait =
            std::clamp<ha::Duration>(agent_.next_wake() - boot_now(), ha::Duration{0}, most);
        const auto length = std::chrono::ceil<milliseconds>(wait).count();
        ::poll(all.data(), all.size(), static_cast<int>(length));
    }
    retire_member();
}

// The fencer must not take this for a process that hangs.
void Driver::retire_member() {
    member_.want(std::nullopt);
    const auto limit = boot_now() + kRetireLimit;
    while (!member_.is_settled() && boot_now() < limit) {
        shared_.memory().agent_alive_us = boot_now().time_since_epoch().count();
        ::poll(nullptr, 0, 50);
    }
}

void Driver::step(const ha::Event& event) {
    std::vector<ha::Action> actions;
    bool has_orders = false;
    {
        auto transaction = shared_.begin();
        if (!transaction) return;  // as if it had never come
        auto& image = transaction->image();
        const auto now = boot_now();
        image.load(fencer_);
        tell_ends(image, now, actions);
        tell_moved(image, now, actions);
        auto more = agent_.step(event, now);
        std::ranges::move(more, std::back_inserter(actions));
        const auto orders = fencer_.take_actions();
        has_orders = !orders.empty();
        image.save(fencer_);
        for (const auto& order : orders) image.note(order);
        for (const auto& action : actions) {
            const auto* launch = std::get_if<ha::Launch>(&action);
            const auto* offer = std::get_if<ha::OfferIncoming>(&action);
            if (launch == nullptr && offer == nullptr) continue;
            auto& machine =
                image.machines[ha::index_of(launch != nullptr ? launch->machine : offer->machine)];
            machine.launching = true;
            machine.is_free = false;
        }
        transaction->commit();
    }
    if (has_orders) wake_fencer();
    for (const auto& action : actions) perform(action);
}

// Before anything is judged: a machine that its guest has turned off is off, and has not crashed.
void Driver::tell_ends(SharedImage& image, ha::Time now, std::vector<ha::Action>& actions) {
    for (std::uint32_t number = 0; number < image.count; ++number) {
        auto& machine = image.machines[number];
        if (!machine.ended_by_guest || machine.is_guarded) continue;
        machine.ended_by_guest = false;
        auto more = agent_.step(ha::Exited{ha::MachineId{number}, true}, now);
        std::ranges::move(more, std::back_inserter(actions));
    }
}

void Driver::perform(const ha::Action& action) {
    if (const auto* launch = std::get_if<ha::Launch>(&action)) {
        given_.erase(launch->machine);
        const auto uuid = names_->uuid_of(launch->machine);
        const auto file = std::ranges::find(config_.files, uuid, &ProtectedFile::uuid);
        if (file == config_.files.end()) return;
        if (!host_.is_connected()) {
            inbox_->put(ha::Launched{launch->machine, launch->generation, false});
            change(uuid, [](SharedMachine& machine) { machine.launching = false; });
            return;
        }
        host_.send(Json{{"tell", "launch"},
                        {"machine", uuid},
                        {"generation", launch->generation},
                        {"datastore", config_.datastore_of(*file)},
                        {"path", file->vmx_file}}
                       .dump());
    } else if (const auto* off = std::get_if<ha::PowerOffDone>(&action)) {
        tell("off", off->machine, 0);
    } else if (const auto* shut = std::get_if<ha::ShutDownGuest>(&action)) {
        tell("shut_down", shut->machine, 0);
    } else if (const auto* note = std::get_if<ha::Note>(&action)) {
        perform(*note);
    } else if (const auto* beat = std::get_if<ha::BeatEtcd>(&action)) {
        etcd_.perform(*beat);
    } else if (!perform_move(action)) {
        datastore_.perform(action);
    }
}

void Driver::perform(const ha::Note& note) {
    const auto uuid = note.machine ? names_->uuid_of(*note.machine) : std::string();
    base::log_info("{}{}{}", uuid, uuid.empty() ? "" : ": ", timeline_.words_of(note));
    timeline_.keep(note, boot_now());
    if (host_.is_connected()) tell_timeline();
    if (!note.machine) return;
    const bool runs = note.what == ha::Noted::started || note.what == ha::Noted::resumed ||
                      note.what == ha::Noted::accepted || note.what == ha::Noted::adopted;
    if (runs) tell("running", *note.machine, note.generation);
    if (note.what == ha::Noted::lost_swap) tell("lost", *note.machine, note.generation);
}

void Driver::tell_timeline() {
    for (const auto& line : timeline_.take(boot_now())) host_.send(line);
}

void Driver::tell(const char* what, ha::MachineId machine, ha::Generation generation) {
    host_.send(
        Json{{"tell", what}, {"machine", names_->uuid_of(machine)}, {"generation", generation}}
            .dump());
}

void Driver::change(const std::string& machine, const std::function<void(SharedMachine&)>& how) {
    const auto number = names_->machine(machine);
    auto transaction = shared_.begin();
    if (!number || !transaction || ha::index_of(*number) >= transaction->image().count) return;
    how(transaction->image().machines[ha::index_of(*number)]);
    transaction->commit();
}

void Driver::greet() {
    Json machines = Json::array();
    for (const auto& file : config_.files) machines.push_back(file.uuid);
    host_.send(Json{
        {"tell", "hello"},
        {"version", kProtocolVersion},
        {"host", config_.host},
        {"monitors", config_.monitors().string()},
        {"catalogue", config_.catalogue.version},
        {"guarded", guarded()},
        {"machines",
         machines}}.dump());
}

void Driver::host_came_or_went(bool came) {
    base::log_info("the host agent {}", came ? "is there" : "is gone; its machines run on");
    if (came) {
        greet();
        return tell_timeline();
    }
    step(ha::HostTakesMachines{false});
    // Whatever it was making: if it comes to be, it stands still, and the next host agent ends it.
    for (const auto& file : config_.files) {
        change(file.uuid, [](SharedMachine& machine) { machine.launching = false; });
    }
}

void Driver::take(const HostMessage& message) {
    using Kind = HostMessage::Kind;
    const auto file = std::ranges::find(config_.files, message.machine, &ProtectedFile::uuid);
    const bool is_of_machine = message.kind != Kind::hello && message.kind != Kind::takes;
    if (is_of_machine && file == config_.files.end()) return;
    const auto machine = is_of_machine ? *names_->machine(message.machine) : ha::MachineId{};
    switch (message.kind) {
        case Kind::hello:
            if (message.version != kProtocolVersion) {
                base::log_error("the host agent speaks version {}", message.version);
            }
            break;
        case Kind::power_on:
            step(ha::PowerOn{machine});
            break;
        case Kind::power_off:
            step(ha::PowerOff{machine});
            break;
        case Kind::adopt:
            adopt(message.machine, machine, message.generation);
            break;
        case Kind::launched:
            change(message.machine, [](SharedMachine& each) { each.launching = false; });
            step(ha::Launched{machine, message.generation, message.done});
            break;
        case Kind::ends:
            change(message.machine, [&](SharedMachine& each) {
                each.ended_by_guest = message.done && each.is_guarded;
            });
            break;
        case Kind::ready:
            step(ha::GuestReady{machine});
            break;
        case Kind::go_on:
            // If it may not run now, it is continued when it may again.
            change(message.machine, [](SharedMachine& each) {
                each.runs |= each.is_guarded && each.guarded.state == ha::Guard::running;
            });
            wake_fencer();
            break;
        case Kind::takes:
            step(ha::HostTakesMachines{message.done});
            break;
        default:
            take_move(message, machine);
    }
}

// Without its monitor it could not be stopped in time.
void Driver::adopt(const std::string& uuid, ha::MachineId machine, ha::Generation generation) {
    const auto known = generation_of(machine);
    if (known) return tell("running", machine, *known);
    if (QmpConnection::of(config_.monitors(), uuid).status() == QmpConnection::Status::absent) {
        base::log_warning("{}: has no monitor, it stays unprotected until it is started again",
                          uuid);
        return;
    }
    step(ha::Adopt{machine, generation});
}

// Of a machine that runs guarded.
std::optional<ha::Generation> Driver::generation_of(ha::MachineId machine) {
    auto transaction = shared_.begin();
    if (!transaction || ha::index_of(machine) >= transaction->image().count) return std::nullopt;
    const auto& each = transaction->image().machines[ha::index_of(machine)];
    if (!each.is_guarded || each.guarded.state == ha::Guard::killed) return std::nullopt;
    return each.guarded.generation;
}

void Driver::wake_fencer() {
    [[maybe_unused]] const auto woken = ::write(wake_.get(), "1", 1);
}

}  // namespace drover::had
