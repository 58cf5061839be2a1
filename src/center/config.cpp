#include "center/config.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "base/file.hpp"

namespace drover::center {
namespace {

using nlohmann::json;

constexpr std::uint64_t kConfigLimitBytes = 1 << 20;

// Reads the document and insists that every field of it was asked for.
class Fields {
public:
    Fields(const json& document, std::string source)
        : document_(document), source_(std::move(source)) {
        if (!document.is_object()) throw std::runtime_error(source_ + ": must be an object");
    }

    [[noreturn]] void fail(const std::string& field, const std::string& reason) const {
        throw std::runtime_error(fmt::format("{}: {}: {}", source_, field, reason));
    }

    void text(const std::string& name, std::string& into, bool required = false) {
        const json* value = find(name);
        if (value == nullptr) {
            if (required) fail(name, "is missing");
            return;
        }
        if (!value->is_string()) fail(name, "must be a text");
        into = value->get<std::string>();
        if (required && into.empty()) fail(name, "must not be empty");
    }

    template <class Number>
    void number(const std::string& name, Number& into, std::uint64_t least, std::uint64_t most) {
        const json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_number_unsigned() || value->get<std::uint64_t>() < least ||
            value->get<std::uint64_t>() > most) {
            fail(name, fmt::format("must be a number from {} to {}", least, most));
        }
        into = value->get<Number>();
    }

    void end() const {
        for (const auto& item : document_.items()) {
            if (!known_.contains(item.key())) fail(item.key(), "is unknown");
        }
    }

private:
    const json* find(const std::string& name) {
        known_.insert(name);
        const auto at = document_.find(name);
        return at == document_.end() || at->is_null() ? nullptr : &*at;
    }

    const json& document_;
    std::string source_;
    std::set<std::string> known_;
};

}  // namespace

Config parse_config(const std::string& text, const std::string& source) {
    const json document = json::parse(text, nullptr, false, true);
    if (document.is_discarded()) throw std::runtime_error(source + ": is not valid JSON");
    Config config;
    Fields fields(document, source);
    std::string state_directory;
    fields.text("state_directory", state_directory, true);
    config.state_directory = state_directory;
    if (!config.state_directory.is_absolute()) fields.fail("state_directory", "must be absolute");
    fields.text("name", config.name, true);
    fields.text("management_address", config.management_address, true);
    fields.text("listen_address", config.listen_address);
    fields.number("listen_port", config.listen_port, 0, 65'535);
    std::string web_directory;
    fields.text("web_directory", web_directory);
    config.web_directory = web_directory;
    fields.number("history_days", config.history_days, 1, 3'650);
    fields.number("history_events", config.history_events, 1, 10'000'000);
    fields.number("history_tasks", config.history_tasks, 1, 10'000'000);
    fields.end();
    return config;
}

Config load_config(const std::filesystem::path& file) {
    return parse_config(base::read_file(file, kConfigLimitBytes), file.string());
}

}  // namespace drover::center
