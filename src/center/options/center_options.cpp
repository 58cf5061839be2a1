#include "center/options/center_options.hpp"

#include <map>

#include "base/log.hpp"
#include "base/log_file.hpp"

namespace drover::center {

using service::OptionDefinition;
using vim::Value;

namespace {

constexpr std::int32_t kTextBytes = 4096;
constexpr std::uint64_t kLogFileBytes = 10 << 20;
constexpr unsigned kLogFiles = 10;

OptionDefinition number(std::string key, std::string label, std::string summary,
                        std::int32_t initial, std::int32_t least, std::int32_t most) {
    OptionDefinition made;
    made.key = std::move(key);
    made.label = std::move(label);
    made.summary = std::move(summary);
    made.initial = Value::int_(initial);
    made.least = least;
    made.most = most;
    return made;
}

OptionDefinition text(std::string key, std::string label, std::string summary,
                      std::string_view initial) {
    OptionDefinition made;
    made.key = std::move(key);
    made.label = std::move(label);
    made.summary = std::move(summary);
    made.initial = Value::string(initial);
    made.most = kTextBytes;
    return made;
}

OptionDefinition fact(std::string key, std::string label, std::string summary, Value value) {
    OptionDefinition made = text(std::move(key), std::move(label), std::move(summary), "");
    made.initial = std::move(value);
    made.least = INT32_MIN;
    if (made.initial.kind() == vim::ValueKind::int_) made.most = INT32_MAX;
    made.read_only = true;
    return made;
}

// What clients read to learn how this center is called.
void define_identity(service::Options& options, const CenterBasics& context) {
    const Config& config = context.config;
    options.define(
        fact("VirtualCenter.FQDN", "Name", "The name of this center.", Value::string(config.name)));
    options.define(text("VirtualCenter.InstanceName", "Instance name",
                        "How this center is shown to people.", config.name));
    options.define(fact("VirtualCenter.ManagedIP", "Address",
                        "The address at which hosts reach this center.",
                        Value::string(config.management_address)));
    options.define(fact("VirtualCenter.VimApiUrl", "Address of the API",
                        "Where the API of this center is.",
                        Value::string("https://" + config.name + "/sdk")));
    options.define(fact("instance.id", "Instance", "The number of this center.", Value::int_(1)));
    options.define(fact("config.vpxd.hostnameUrl", "Host name",
                        "The name of this center in addresses.", Value::string(config.name)));
}

void define_log(service::Options& options) {
    OptionDefinition level =
        text("log.level", "Log level", "The least important lines that the center logs.", "info");
    level.choices = {"error", "warning", "info", "verbose"};
    level.apply = [](const Value& value) {
        static const std::map<std::string_view, base::LogLevel> levels{
            {"error", base::LogLevel::error},
            {"warning", base::LogLevel::warning},
            {"info", base::LogLevel::info},
            {"verbose", base::LogLevel::debug}};
        base::set_log_level(levels.at(value.as_string()));
    };
    options.define(std::move(level));
}

}  // namespace

std::filesystem::path log_directory(const Config& config) {
    return config.state_directory / "log";
}

void open_log(const Config& config) {
    base::LogFile file;
    file.path = log_directory(config) / "centerd.log";
    file.limit_bytes = kLogFileBytes;
    file.kept_files = kLogFiles;
    base::set_log_file(file);
}

void define_center_options(service::Options& options, const CenterBasics& context,
                           service::Sessions& sessions) {
    define_identity(options, context);
    define_log(options);
    options.define(
        text("vpxd.motd", "Message", "A text for visitors of the center's web page.", ""));
    OptionDefinition idle =
        number("config.vmacore.soap.sessionTimeout", "Session timeout",
               "After how many minutes an idle session of the API ends; 0: never.",
               static_cast<std::int32_t>(service::Sessions::kIdleLimit.count()), 0, 1440);
    idle.apply = [&sessions](const Value& value) {
        sessions.set_idle_limit(std::chrono::minutes(value.as_integer()));
    };
    options.define(std::move(idle));
    OptionDefinition tasks = number("config.task.keptMinutes", "Ended tasks",
                                    "How many minutes an ended task can still be read.",
                                    static_cast<std::int32_t>(task::Tasks::kKept.count()), 1, 1440);
    tasks.apply = [&context](const Value& value) {
        context.tasks.set_kept(std::chrono::minutes(value.as_integer()));
    };
    options.define(std::move(tasks));
}

}  // namespace drover::center
