#include "had/config.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <system_error>

#include "base/file.hpp"
#include "storage/datastore_path.hpp"

namespace drover::had {

namespace {

using nlohmann::json;

constexpr std::uint64_t kLimitBytes = 8 << 20;
constexpr double kMegabyte = 1 << 20;
constexpr std::size_t kMostEtcdMembers = 7;
constexpr std::size_t kMostAuthorities = 64;
constexpr std::size_t kMostRules = 4096;
constexpr std::size_t kMostOthers = 32;
constexpr std::size_t kCertificateBytes = 16384;

// Reads one JSON object and insists that every field of it was asked for.
class Fields {
public:
    Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {
        if (!object.is_object()) throw std::runtime_error(where_ + ": must be an object");
    }
    [[noreturn]] void fail(const std::string& name, const std::string& reason) const {
        throw std::runtime_error(fmt::format("{}.{}: {}", where_, name, reason));
    }
    bool truth(const std::string& name) {
        const auto* value = find(name);
        if (value != nullptr && !value->is_boolean()) fail(name, "must be true or false");
        return value != nullptr && value->get<bool>();
    }
    const json* find(const std::string& name) {
        known_.insert(name);
        const auto at = object_.find(name);
        return at == object_.end() ? nullptr : &*at;
    }
    std::string text(const std::string& name, const std::string& other) {
        const auto* value = find(name);
        if (value == nullptr) return other;
        if (!value->is_string() || value->get<std::string>().size() > 4096) {
            fail(name, "must be a text");
        }
        return *value;
    }
    std::string text(const std::string& name) {
        const auto value = text(name, std::string());
        if (value.empty()) fail(name, "is missing");
        return value;
    }
    double number(const std::string& name, double other, double low, double high) {
        const auto* value = find(name);
        if (value == nullptr) return other;
        if (!value->is_number() || value->get<double>() < low || value->get<double>() > high) {
            fail(name, fmt::format("must be a number from {} to {}", low, high));
        }
        return *value;
    }
    template <class Kind, std::size_t count>
    Kind word(const std::string& name, const std::array<std::string_view, count>& words,
              Kind other) {
        const auto given = text(name, std::string(words[static_cast<std::size_t>(other)]));
        const auto found = std::ranges::find(words, given);
        if (found == words.end())
            fail(name, "must be one of " + fmt::to_string(fmt::join(words, ", ")));
        return static_cast<Kind>(found - words.begin());
    }
    std::vector<std::string> texts(const std::string& name) {
        const auto* value = find(name);
        if (value == nullptr) return {};
        if (!value->is_array() ||
            !std::ranges::all_of(*value, [](const json& each) { return each.is_string(); })) {
            fail(name, "must be a list of texts");
        }
        return *value;
    }
    /// Each of them an object.
    std::vector<Fields> list(const std::string& name, std::size_t most) {
        const auto* value = find(name);
        std::vector<Fields> all;
        if (value == nullptr) return all;
        if (!value->is_array() || value->size() > most) {
            fail(name, fmt::format("must be a list of {} at most", most));
        }
        for (std::size_t i = 0; i < value->size(); ++i) {
            all.emplace_back((*value)[i], fmt::format("{}.{}[{}]", where_, name, i));
        }
        return all;
    }
    void end() const {
        for (const auto& item : object_.items()) {
            if (!known_.contains(item.key())) fail(item.key(), "is unknown");
        }
    }

private:
    const json& object_;
    std::string where_;
    std::set<std::string> known_;
};

ha::Duration seconds_of(double seconds) {
    return ha::Duration{static_cast<std::int64_t>(seconds * 1e6)};
}

void read_host(Fields& fields, Names& names, ha::Catalogue& catalogue) {
    const auto number = names.host(fields.text("id"));
    if (!number) fields.fail("id", "must be a UUID");
    if (std::ranges::find(catalogue.hosts, *number) != catalogue.hosts.end()) {
        fields.fail("id", "stands there twice");
    }
    catalogue.hosts.push_back(*number);
    plan::Host shape;
    shape.name = fields.text("name");
    shape.cpu_mhz = fields.number("cpu_mhz", 0, 1, 1e9);
    shape.memory_bytes = fields.number("memory_mb", 0, 1, 1e9) * kMegabyte;
    shape.failure_domain = fields.text("failure_domain", "");
    shape.networks = fields.texts("networks");
    catalogue.shape.hosts.push_back(std::move(shape));
    fields.end();
}

ha::MachineId machine_of(Fields& fields, const std::string& field, const std::string& uuid,
                         Names& names) {
    const auto number = names.machine(uuid);
    if (!number) fields.fail(field, uuid + ": must be a UUID");
    return *number;
}

ha::VmMonitoringSettings monitoring_of(const json& object, const std::string& where) {
    Fields fields(object, where);
    ha::VmMonitoringSettings made{.enabled = true};
    made.failure_interval = seconds_of(fields.number("failure_interval_s", 30, 5, 1e6));
    made.minimum_uptime = seconds_of(fields.number("minimum_uptime_s", 120, 0, 1e6));
    made.io_interval = seconds_of(fields.number("io_interval_s", 120, 0, 1e6));
    made.maximum_failures =
        static_cast<std::uint32_t>(fields.number("maximum_failures", 3, 1, 1e6));
    made.maximum_failure_window =
        seconds_of(fields.number("maximum_failure_window_s", -1, -1, 1e9));
    fields.end();
    return made;
}

void read_machine(Fields& fields, Names& names, Config& config) {
    static constexpr std::array<std::string_view, 6> priorities{"highest", "high",   "medium",
                                                                "low",     "lowest", "disabled"};
    static constexpr std::array<std::string_view, 3> ready{"assigned", "running", "guest_ready"};
    static constexpr std::array<std::string_view, 3> isolation{"leave_on", "shut_down",
                                                               "power_off"};
    ProtectedFile file{fields.text("id"), fields.text("path"), fields.text("datastore", "")};
    const bool is_there = file.datastore.empty() ||
                          std::ranges::find(config.others, file.datastore, &OtherDatastore::uuid) !=
                              config.others.end();
    if (!is_there) fields.fail("datastore", "must be the id of one of the datastores");
    const auto path = storage::DatastorePath::make(config.datastore_of(file), file.vmx_file);
    if (!path || path->is_root()) fields.fail("path", "must name a file on the datastore");
    ha::ProtectedMachine machine{.id = machine_of(fields, "id", file.uuid, names)};
    machine.lease_place = std::hash<std::string>{}(file.datastore + '/' + file.vmx_file);
    auto& all = config.catalogue.machines;
    if (std::ranges::find(all, machine.id, &ha::ProtectedMachine::id) != all.end()) {
        fields.fail("id", "stands there twice");
    }
    machine.priority = fields.word("priority", priorities, ha::Priority::medium);
    machine.ready_when = fields.word("ready_when", ready, ha::ReadyWhen::assigned);
    machine.isolation = fields.word("isolation", isolation, ha::IsolationResponse::leave_on);
    machine.ready_timeout = seconds_of(fields.number("ready_timeout_s", 600, 0, 86400));
    for (const auto& other : fields.texts("depends_on")) {
        machine.depends_on.push_back(machine_of(fields, "depends_on", other, names));
    }
    if (const auto* monitoring = fields.find("monitoring")) {
        config.monitored[file.uuid] = monitoring_of(*monitoring, "monitoring of " + file.uuid);
    }
    if (fields.truth("reset_when_storage_is_back")) {
        config.reset_when_storage_is_back.insert(file.uuid);
    }
    plan::Machine shape;
    shape.name = fields.text("name", file.vmx_file);
    shape.vcpus = static_cast<std::uint32_t>(fields.number("vcpus", 1, 1, 1024));
    shape.memory_configured_bytes = fields.number("memory_mb", 0, 0, 1e9) * kMegabyte;
    shape.cpu.reservation = fields.number("cpu_reservation_mhz", 0, 0, 1e9);
    shape.networks = fields.texts("networks");
    shape.memory.reservation = fields.number("memory_reservation_mb", 0, 0, 1e9) * kMegabyte;
    config.catalogue.shape.machines.push_back(std::move(shape));
    all.push_back(std::move(machine));
    config.files.push_back(std::move(file));
    fields.end();
}

// Places of what is named in a list of UUIDs among all that there are.
template <class Index, class All, class Find>
std::vector<Index> places_of(Fields& fields, const std::string& name, const All& all, Find find) {
    std::vector<Index> places;
    for (const auto& uuid : fields.texts(name)) {
        const auto at = find(uuid);
        if (at == all.end()) fields.fail(name, uuid + " is not there");
        places.push_back(static_cast<Index>(at - all.begin()));
    }
    return places;
}

void read_rule(Fields& fields, Names& names, ha::Catalogue& catalogue) {
    static constexpr std::array<std::string_view, 6> kinds{"keep_together", "keep_apart",
                                                           "must_run_on",   "must_not_run_on",
                                                           "should_run_on", "should_not_run_on"};
    plan::Rule rule;
    rule.name = fields.text("name", "");
    fields.text("kind");
    rule.kind = fields.word("kind", kinds, plan::RuleKind::keep_apart);
    const auto& machines = catalogue.machines;
    const auto& hosts = catalogue.hosts;
    rule.machines =
        places_of<plan::MachineIndex>(fields, "machines", machines, [&](const std::string& uuid) {
            const auto id = names.machine(uuid);
            return std::ranges::find_if(machines,
                                        [&](const auto& each) { return id && each.id == *id; });
        });
    rule.hosts = places_of<plan::HostIndex>(fields, "hosts", hosts, [&](const std::string& uuid) {
        const auto id = names.host(uuid);
        return id ? std::ranges::find(hosts, *id) : hosts.end();
    });
    if (rule.machines.empty()) fields.fail("machines", "is missing");
    fields.end();
    catalogue.shape.rules.push_back(std::move(rule));
}

void read_catalogue(Fields& fields, Names& names, Config& config) {
    auto& catalogue = config.catalogue;
    catalogue.version = static_cast<std::uint64_t>(fields.number("version", 1, 1, 1e15));
    catalogue.starts_per_host =
        static_cast<std::uint32_t>(fields.number("starts_per_host", 4, 1, 64));
    catalogue.shape.memory_overcommit = fields.number("memory_overcommit", 1, 0.1, 100);
    catalogue.isolation.after = seconds_of(fields.number("isolation_after_s", 12, 4, 3600));
    for (auto& each : fields.list("hosts", 64)) read_host(each, names, catalogue);
    for (auto& each : fields.list("machines", Names::kMostMachines)) {
        read_machine(each, names, config);
    }
    for (auto& each : fields.list("rules", kMostRules)) read_rule(each, names, catalogue);
    for (const auto& machine : catalogue.machines) {
        for (const auto other : machine.depends_on) {
            const auto found =
                std::ranges::find(catalogue.machines, other, &ha::ProtectedMachine::id);
            if (found == catalogue.machines.end()) {
                fields.fail("machines", names.uuid_of(other) + " is depended on but not there");
            }
        }
    }
    fields.end();
}

bool is_token(const std::string& text) {
    return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

bool is_numeric_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_certificate(const std::string& text) {
    return text.size() <= kCertificateBytes && text.starts_with("-----BEGIN CERTIFICATE-----\n") &&
           text.ends_with('\n') &&
           std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

std::filesystem::path absolute_path(Fields& fields, const std::string& name) {
    std::filesystem::path path = fields.text(name);
    if (!path.is_absolute()) fields.fail(name, "must be an absolute path");
    return path;
}

EtcdConfig read_etcd(Fields& fields) {
    EtcdConfig made;
    made.token = fields.text("token");
    if (!is_token(made.token)) {
        fields.fail("token", "must be letters, digits, '-' and '_', 64 at most");
    }
    made.client_port = static_cast<std::uint16_t>(fields.number("client_port", 0, 1, 65535));
    made.peer_port = static_cast<std::uint16_t>(fields.number("peer_port", 0, 1, 65535));
    if (made.client_port == 0) fields.fail("client_port", "is missing");
    if (made.peer_port == 0) fields.fail("peer_port", "is missing");
    if (made.peer_port == made.client_port) fields.fail("peer_port", "is the client_port too");
    made.identity = absolute_path(fields, "identity");
    made.directory = absolute_path(fields, "directory");
    for (auto& each : fields.list("members", kMostEtcdMembers)) {
        EtcdConfig::Member member{each.text("host"), each.text("address")};
        if (!is_uuid(member.host)) each.fail("host", "must be a UUID");
        if (!is_numeric_address(member.address)) each.fail("address", "must be an IP address");
        for (const auto& other : made.members) {
            if (other.host == member.host) each.fail("host", "stands there twice");
            if (other.address == member.address) each.fail("address", "stands there twice");
        }
        each.end();
        made.members.push_back(std::move(member));
    }
    if (made.members.empty()) fields.fail("members", "is missing");
    const auto certificates = fields.texts("authorities");
    if (certificates.empty() || certificates.size() > kMostAuthorities) {
        fields.fail("authorities", fmt::format("must be 1 to {} certificates", kMostAuthorities));
    }
    for (const auto& each : certificates) {
        if (!is_certificate(each)) fields.fail("authorities", "must be certificates (PEM)");
        made.authorities += each;
    }
    fields.end();
    return made;
}

void read_reset(Fields& fields, Config& config) {
    const auto* reset = fields.find("reset");
    if (reset == nullptr) fields.fail("reset", "is missing: \"reboot\", or a command as a list");
    if (reset->is_string() && *reset == "reboot") return;
    config.reset = fields.texts("reset");
    if (config.reset.empty()) fields.fail("reset", "must be \"reboot\" or a command as a list");
}

void read_other(Fields& fields, Config& config) {
    OtherDatastore made{fields.text("id"), fields.text("name"), fields.text("path")};
    if (!is_uuid(made.uuid)) fields.fail("id", "must be a UUID");
    if (!made.path.is_absolute()) fields.fail("path", "must be an absolute path");
    if (!storage::DatastorePath::make(made.name, "")) fields.fail("name", "is no datastore's name");
    if (std::ranges::find(config.others, made.uuid, &OtherDatastore::uuid) != config.others.end()) {
        fields.fail("id", "stands there twice");
    }
    fields.end();
    config.others.push_back(std::move(made));
}

void read_protection(Fields& fields, const std::string& source, Names& names, Config& config) {
    config.host = fields.text("host");
    const auto self = names.host(config.host);
    if (!self) fields.fail("host", "must be a UUID");
    config.host_name = fields.text("host_name");
    config.datastore = fields.text("datastore");
    config.datastore_path = fields.text("datastore_path");
    if (!config.datastore_path.is_absolute()) {
        fields.fail("datastore_path", "must be an absolute path");
    }
    config.others.clear();
    for (auto& each : fields.list("datastores", kMostOthers)) read_other(each, config);
    const auto* catalogue = fields.find("catalogue");
    if (catalogue == nullptr) fields.fail("catalogue", "is missing");
    Fields inner(*catalogue, source + ".catalogue");
    read_catalogue(inner, names, config);
    config.etcd.reset();
    if (const auto* etcd = fields.find("etcd")) {
        Fields of_etcd(*etcd, source + ".etcd");
        config.etcd = read_etcd(of_etcd);
    }
    const auto& hosts = config.catalogue.hosts;
    if (std::ranges::find(hosts, *self) == hosts.end()) {
        fields.fail("catalogue", "its hosts must have this host among them");
    }
}

// Whatever another user has put in its place, this process neither waits nor follows.
std::string read_generated(const std::filesystem::path& path) {
    const base::FileDescriptor file(
        ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) {
        throw std::system_error(errno, std::generic_category(), "read " + path.string());
    }
    if (!S_ISREG(status.st_mode) || status.st_size > static_cast<off_t>(kLimitBytes)) {
        throw std::runtime_error(path.string() + ": is no file, or too long");
    }
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t got = 0;
    while (got < text.size()) {
        const auto count = ::read(file.get(), text.data() + got, text.size() - got);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        got += static_cast<std::size_t>(count);
    }
    text.resize(got);
    return text;
}

json document_of(const std::string& text, const std::string& source) {
    auto document = json::parse(text, nullptr, false, true);
    if (document.is_discarded()) throw std::runtime_error(source + ": is no JSON");
    return document;
}

}  // namespace

Config parse_config(const std::string& text, const std::string& source, Names& names) {
    const auto document = document_of(text, source);
    Fields fields(document, source);
    Config config;
    config.run_directory = fields.text("run_directory", config.run_directory.string());
    if (!config.run_directory.is_absolute()) {
        fields.fail("run_directory", "must be an absolute path");
    }
    config.user = fields.text("user", config.user);
    config.machine_user = fields.text("machine_user", config.machine_user);
    config.watchdog = fields.text("watchdog", "");
    config.etcd_program = fields.text("etcd_program", config.etcd_program.string());
    if (!config.etcd_program.is_absolute()) {
        fields.fail("etcd_program", "must be an absolute path");
    }
    config.generated = fields.text("generated", "");
    if (!config.generated.empty() && !config.generated.is_absolute()) {
        fields.fail("generated", "must be an absolute path");
    }
    read_reset(fields, config);
    if (config.generated.empty()) read_protection(fields, source, names, config);
    fields.end();
    return config;
}

void parse_protection(const std::string& text, const std::string& source, Names& names,
                      Config& config) {
    const auto document = document_of(text, source);
    Fields fields(document, source);
    read_protection(fields, source, names, config);
    fields.end();
}

const std::string& Config::datastore_of(const ProtectedFile& file) const {
    const auto other = std::ranges::find(others, file.datastore, &OtherDatastore::uuid);
    return file.datastore.empty() || other == others.end() ? datastore : other->name;
}

Config load_config(const std::filesystem::path& file, Names& names) {
    auto config = parse_config(base::read_file(file, kLimitBytes), file.string(), names);
    if (!config.generated.empty()) {
        parse_protection(read_generated(config.generated), config.generated.string(), names,
                         config);
    }
    return config;
}

Config load_administrator_config(const std::filesystem::path& file) {
    Names names;
    return parse_config(base::read_file(file, kLimitBytes), file.string(), names);
}

bool has_protection(const std::filesystem::path& file) {
    const auto config = load_administrator_config(file);
    std::error_code error;
    return config.generated.empty() || std::filesystem::exists(config.generated, error);
}

}  // namespace drover::had
