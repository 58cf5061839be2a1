#include "host/options/host_options.hpp"

#include <map>

#include "base/log.hpp"
#include "base/log_file.hpp"
#include "host/datastores.hpp"
#include "host/host_system/host_system.hpp"

namespace drover::host {

using vim::Value;

namespace {

constexpr std::int32_t kLogFileKib = 1024;
constexpr std::int32_t kLogFiles = 8;
constexpr std::int32_t kTextBytes = 4096;
constexpr std::int32_t kAddressBytes = 255;

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

base::LogFile log_file(const Config& config, std::int64_t kib, std::int64_t files) {
    base::LogFile made;
    made.path = log_directory(config) / "hostd.log";
    made.limit_bytes = static_cast<std::uint64_t>(kib) << 10;
    made.kept_files = static_cast<unsigned>(files);
    return made;
}

void define_log_options(Options& options, const Config& config) {
    OptionDefinition level = text("Config.HostAgent.log.level", "Log level",
                                  "The least important lines that the host agent logs.", "info");
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

    OptionDefinition directory =
        text("Syslog.global.logDir", "Log directory",
             "Where the host agent's log files are, on the host.", log_directory(config).string());
    directory.read_only = true;
    options.define(std::move(directory));

    OptionDefinition size = number("Syslog.loggers.hostd.size", "Log file size",
                                   "The size in KiB at which the host agent begins a new log file.",
                                   kLogFileKib, 64, 10240);
    size.apply = [&options, config](const Value& value) {
        base::set_log_file(
            log_file(config, value.as_integer(), options.number("Syslog.loggers.hostd.rotate")));
    };
    OptionDefinition rotate =
        number("Syslog.loggers.hostd.rotate", "Log file rotations",
               "How many old log files of the host agent are kept.", kLogFiles, 1, 1000);
    rotate.apply = [&options, config](const Value& value) {
        base::set_log_file(
            log_file(config, options.number("Syslog.loggers.hostd.size"), value.as_integer()));
    };
    options.define(std::move(size));
    options.define(std::move(rotate));
}

void define_session_options(Options& options, service::Sessions& sessions) {
    OptionDefinition idle =
        number("Config.HostAgent.vmacore.soap.sessionTimeout", "Session timeout",
               "After how many minutes an idle session of the API ends; 0: never.",
               static_cast<std::int32_t>(service::Sessions::kIdleLimit.count()), 0, 1440);
    idle.apply = [&sessions](const Value& value) {
        sessions.set_idle_limit(std::chrono::minutes(value.as_integer()));
    };
    options.define(std::move(idle));

    constexpr auto most = static_cast<std::int32_t>(service::Sessions::kMostSessions);
    OptionDefinition count =
        number("Config.HostAgent.vmacore.soap.maxSessionCount", "Sessions",
               "How many sessions of the API there may be at once.", most, 10, most);
    count.apply = [&sessions](const Value& value) {
        sessions.set_most_sessions(static_cast<std::size_t>(value.as_integer()));
    };
    options.define(std::move(count));
}

}  // namespace

std::filesystem::path log_directory(const Config& config) {
    return config.state_directory / "log";
}

void open_log(const Config& config) {
    base::set_log_file(log_file(config, kLogFileKib, kLogFiles));
}

void define_host_options(Options& options, const HostContext& context, service::Sessions& sessions,
                         HostSystem& host_system, Datastores& datastores) {
    define_log_options(options, context.config);
    define_session_options(options, sessions);
    options.define(text("Annotations.WelcomeMessage", "Welcome message",
                        "A text for visitors of the host's web page.", ""));

    OptionDefinition tasks = number("Config.HostAgent.tasks.keptMinutes", "Ended tasks",
                                    "How many minutes an ended task can still be read.",
                                    static_cast<std::int32_t>(task::Tasks::kKept.count()), 1, 1440);
    tasks.apply = [&context](const Value& value) {
        context.tasks.set_kept(std::chrono::minutes(value.as_integer()));
    };
    options.define(std::move(tasks));

    OptionDefinition network =
        number("Config.HostAgent.refresh.networkSeconds", "Network interval",
               "How many seconds pass between two looks at the host's network and disks.",
               static_cast<std::int32_t>(HostSystem::kLookInterval.count()), 5, 3600);
    network.apply = [&host_system](const Value& value) {
        host_system.set_look_interval(std::chrono::seconds(value.as_integer()));
    };
    options.define(std::move(network));

    OptionDefinition storage =
        number("Config.HostAgent.refresh.datastoreSeconds", "Datastore interval",
               "How many seconds pass between two looks at the datastores.",
               static_cast<std::int32_t>(Datastores::kLookInterval.count()), 1, 3600);
    storage.apply = [&datastores](const Value& value) {
        datastores.set_look_interval(std::chrono::seconds(value.as_integer()));
    };
    options.define(std::move(storage));

    OptionDefinition manager =
        text("Drover.managementServerIp", "Management server",
             "The address of the center that manages this host; empty if there is none. The center "
             "sets it.",
             "");
    manager.most = kAddressBytes;
    manager.apply = [&host_system](const Value& value) {
        host_system.show_manager(value.as_string());
    };
    options.define(std::move(manager));

    // The page is not part of this host, and clients ask for the option to know that.
    OptionDefinition object_browser =
        text("Config.HostAgent.plugins.solo.enableMob", "Managed object browser",
             "Whether the host has the web page /mob. It has not.", "");
    object_browser.initial = Value::boolean(false);
    object_browser.read_only = true;
    options.define(std::move(object_browser));
}

}  // namespace drover::host
