#include "host/config.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/file.hpp"

namespace drover::host {
namespace {

using nlohmann::json;

constexpr std::uint64_t kConfigLimitBytes = 1 << 20;

[[noreturn]] void fail(const std::string& source, const std::string& field,
                       const std::string& reason) {
    throw std::runtime_error(fmt::format("{}: {}: {}", source, field, reason));
}

// Reads one JSON object and insists that every field of it was asked for.
class Fields {
public:
    Fields(const json& object, std::string source, std::string path)
        : object_(object), source_(std::move(source)), path_(std::move(path)) {
        if (!object.is_object()) fail(source_, path_, "must be an object");
    }

    const json* find(const std::string& name) {
        known_.insert(name);
        const auto at = object_.find(name);
        return at == object_.end() || at->is_null() ? nullptr : &*at;
    }

    void text(const std::string& name, std::string& into, bool required = false) {
        const json* value = find(name);
        if (value == nullptr) {
            if (required) fail(source_, path_ + name, "is missing");
            return;
        }
        if (!value->is_string()) fail(source_, path_ + name, "must be a text");
        into = value->get<std::string>();
        if (required && into.empty()) fail(source_, path_ + name, "must not be empty");
    }

    void end() const {
        for (const auto& item : object_.items()) {
            if (!known_.contains(item.key())) fail(source_, path_ + item.key(), "is unknown");
        }
    }

private:
    const json& object_;
    std::string source_;
    std::string path_;
    std::set<std::string> known_;
};

void read_list(Fields& fields, const std::string& source, const std::string& name,
               const std::function<void(Fields&)>& read_one) {
    const json* list = fields.find(name);
    if (list == nullptr) return;
    if (!list->is_array()) fail(source, name, "must be a list");
    for (std::size_t i = 0; i < list->size(); ++i) {
        Fields item((*list)[i], source, fmt::format("{}[{}].", name, i));
        read_one(item);
        item.end();
    }
}

void read_count(Fields& fields, const std::string& source, const std::string& name,
                std::uint32_t& into, std::uint32_t most) {
    const json* value = fields.find(name);
    if (value == nullptr) return;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() < 1 ||
        value->get<std::uint64_t>() > most) {
        fail(source, name, fmt::format("must be a number from 1 to {}", most));
    }
    into = value->get<std::uint32_t>();
}

void read_history(Fields& fields, const std::string& source, Config& config) {
    read_count(fields, source, "history_days", config.history_days, 3650);
    read_count(fields, source, "history_events", config.history_events, 10'000'000);
    read_count(fields, source, "history_tasks", config.history_tasks, 10'000'000);
}

void read_numbers(Fields& fields, const std::string& source, Config& config) {
    if (const json* port = fields.find("listen_port")) {
        if (!port->is_number_unsigned() || port->get<std::uint64_t>() > 65535) {
            fail(source, "listen_port", "must be a number from 0 to 65535");
        }
        config.listen_port = port->get<std::uint16_t>();
    }
    if (const json* cores = fields.find("cpu_cores")) {
        if (!cores->is_number() || cores->get<double>() < 0.01 || cores->get<double>() > 4096) {
            fail(source, "cpu_cores", "must be a number from 0.01 to 4096");
        }
        config.cpu_cores = cores->get<double>();
    }
    if (const json* memory = fields.find("memory_bytes")) {
        if (!memory->is_number_unsigned() || memory->get<std::uint64_t>() < (64u << 20)) {
            fail(source, "memory_bytes", "must be a number of at least 67108864");
        }
        config.memory_bytes = memory->get<std::uint64_t>();
    }
}

}  // namespace

Config parse_config(const std::string& text, const std::string& source) {
    const json document = json::parse(text, nullptr, false, true);
    if (document.is_discarded()) throw std::runtime_error(source + ": is not valid JSON");
    Config config;
    Fields fields(document, source, "");
    std::string state_directory;
    fields.text("state_directory", state_directory, true);
    config.state_directory = state_directory;
    fields.text("libvirt_uri", config.libvirt_uri);
    fields.text("rootd_socket", config.rootd_socket);
    fields.text("ha_socket", config.ha_socket);
    fields.text("host_name", config.host_name, true);
    fields.text("host_uuid", config.host_uuid);
    fields.text("management_address", config.management_address, true);
    fields.text("cgroup_partition", config.cgroup_partition);
    fields.text("migration_address", config.migration_address);
    std::string identity_directory;
    fields.text("migration_identity_directory", identity_directory);
    config.migration_identity_directory = identity_directory;
    fields.text("listen_address", config.listen_address);
    std::string web_directory;
    fields.text("web_directory", web_directory);
    config.web_directory = web_directory;
    read_numbers(fields, source, config);
    read_history(fields, source, config);
    if (const json* engine = fields.find("hypervisor")) {
        config.simulation = parse_hypervisor_section(engine->dump(), source);
    }
    std::set<std::string> names;
    read_list(fields, source, "datastores", [&](Fields& item) {
        Config::Datastore made;
        std::string path;
        item.text("name", made.name, true);
        item.text("path", path, true);
        made.path = path;
        if (!made.path.is_absolute()) fail(source, "datastores.path", "must be absolute");
        if (!names.insert(made.name).second) fail(source, "datastores.name", "is there twice");
        config.datastores.push_back(std::move(made));
    });
    read_list(fields, source, "networks", [&](Fields& item) {
        Config::Network made;
        item.text("name", made.name, true);
        item.text("bridge", made.bridge, true);
        config.networks.push_back(std::move(made));
    });
    fields.end();
    if (!config.state_directory.is_absolute()) fail(source, "state_directory", "must be absolute");
    return config;
}

Config load_config(const std::filesystem::path& file) {
    return parse_config(base::read_file(file, kConfigLimitBytes), file.string());
}

}  // namespace drover::host
