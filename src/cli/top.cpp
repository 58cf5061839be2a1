// A live table of hosts and machines, the busiest first.

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/terminal.hpp"

namespace drover::cli {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kMostMebibytes = std::int64_t{1} << 40;

struct Options {
    std::string interval = "2s";
    std::string sort = "cpu";
    int count = 0;  // 0: until q
};

// What a server sends may be anything; a figure that can't be is none.
std::int64_t bounded(std::optional<std::int64_t> value) {
    return std::clamp<std::int64_t>(value.value_or(0), 0, kMostMebibytes);
}

Table host_table(const std::vector<client::Properties>& hosts) {
    Table table({{"name", "HOST"},
                 {"connection_state", "STATE"},
                 {"vms", "VMS"},
                 {"cpu_percent", "CPU"},
                 {"cpu_usage_mhz", "CPU USE"},
                 {"memory_percent", "MEM"},
                 {"memory_usage_bytes", "MEM USE"}});
    for (const auto& host : hosts) {
        const auto capacity = bounded(host.integer("summary.hardware.numCpuCores")) *
                              bounded(host.integer("summary.hardware.cpuMhz"));
        const auto memory = bounded(host.integer("summary.hardware.memorySize"));
        const auto used_mhz = bounded(host.integer("summary.quickStats.overallCpuUsage"));
        const auto used_bytes =
            bounded(host.integer("summary.quickStats.overallMemoryUsage")) * kMebibyte;
        const auto percent = [](std::int64_t part, std::int64_t whole) {
            return whole == 0 ? std::optional<std::int64_t>()
                              : static_cast<std::int64_t>(static_cast<double>(part) * 100.0 /
                                                          static_cast<double>(whole));
        };
        table.add({text_cell(host.text("name")),
                   text_cell(host.text("summary.runtime.connectionState")),
                   number_cell(static_cast<std::int64_t>(host.references("vm").size())),
                   percent_cell(percent(used_mhz, capacity)), mhz_cell(used_mhz),
                   percent_cell(percent(used_bytes, memory)), bytes_cell(used_bytes)});
    }
    table.sort_by(0);
    return table;
}

Table machine_table(std::vector<client::Properties> machines,
                    const std::vector<client::Properties>& hosts, const std::string& sort,
                    std::size_t most) {
    std::map<std::string, std::string> names;
    for (const auto& host : hosts) names[host.object().id] = host.text("name");
    std::erase_if(machines, [](const client::Properties& vm) {
        return vm.text("runtime.powerState") != "poweredOn";
    });
    const char* key = sort == "memory" ? "summary.quickStats.hostMemoryUsage"
                                       : "summary.quickStats.overallCpuUsage";
    std::ranges::sort(machines, [&](const auto& left, const auto& right) {
        const auto left_value = sort == "name" ? 0 : bounded(left.integer(key));
        const auto right_value = sort == "name" ? 0 : bounded(right.integer(key));
        if (left_value != right_value) return left_value > right_value;
        return left.text("name") < right.text("name");
    });
    if (machines.size() > most) machines.resize(most);
    Table table({{"name", "MACHINE"},
                 {"host", "HOST"},
                 {"cpu_usage_mhz", "CPU USE"},
                 {"cpu_ready_percent", "READY"},
                 {"memory_usage_bytes", "MEM USE"},
                 {"memory_active_bytes", "ACTIVE"},
                 {"memory_ballooned_bytes", "BALLOON"},
                 {"uptime_seconds", "UP"}});
    const auto bytes = [](const client::Properties& vm, const char* path) {
        return bytes_cell(bounded(vm.integer(path)) * kMebibyte);
    };
    for (const auto& vm : machines) {
        const auto host = vm.reference("runtime.host");
        table.add({text_cell(vm.text("name")), text_cell(host ? names[host->id] : ""),
                   mhz_cell(vm.integer("summary.quickStats.overallCpuUsage")),
                   percent_cell(vm.integer("summary.quickStats.overallCpuReadiness")),
                   bytes(vm, "summary.quickStats.hostMemoryUsage"),
                   bytes(vm, "summary.quickStats.activeMemory"),
                   bytes(vm, "summary.quickStats.balloonedMemory"),
                   seconds_cell(vm.integer("summary.quickStats.uptimeSeconds"))});
    }
    return table;
}

std::size_t screen_height() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return 40;
    return size.ws_row;
}

// Single keys, unseen, while it lives.
class Keys {
public:
    Keys() {
        active_ = input_is_terminal() && ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (!active_) return;
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    ~Keys() {
        if (active_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    /// Waits; 0 if no key came.
    char wait(std::chrono::milliseconds limit) const {
        pollfd input{active_ ? STDIN_FILENO : -1, POLLIN, 0};
        if (::poll(&input, 1, static_cast<int>(limit.count())) <= 0) return 0;
        char key = 0;
        return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
    }

private:
    bool active_ = false;
    termios before_{};
};

void show(Context& context, const std::string& sort, bool on_screen) {
    auto& connection = context.connection();
    const auto hosts = client::retrieve(
        connection, vim::TypeId::HostSystem,
        {"name", "vm", "summary.runtime.connectionState", "summary.hardware.numCpuCores",
         "summary.hardware.cpuMhz", "summary.hardware.memorySize",
         "summary.quickStats.overallCpuUsage", "summary.quickStats.overallMemoryUsage"});
    auto machines = client::retrieve(
        connection, vim::TypeId::VirtualMachine,
        {"name", "runtime.powerState", "runtime.host", "summary.quickStats.overallCpuUsage",
         "summary.quickStats.overallCpuReadiness", "summary.quickStats.hostMemoryUsage",
         "summary.quickStats.activeMemory", "summary.quickStats.balloonedMemory",
         "summary.quickStats.uptimeSeconds"});
    // Two headings, an empty line and the last one, which holds the cursor.
    const std::size_t taken = hosts.size() + 4;
    const std::size_t height = screen_height();
    const std::size_t most = !on_screen       ? machines.size()
                             : height > taken ? height - taken
                                              : std::size_t{1};
    const Table host_rows = host_table(hosts);
    const Table machine_rows = machine_table(std::move(machines), hosts, sort, most);
    if (context.json()) {
        Report report;
        report.add("hosts", "Hosts", host_rows);
        report.add("vms", "Machines", machine_rows);
        context.print(report);
        return;
    }
    const std::size_t width = output_width();
    const std::string text =
        render_text(host_rows, width) + "\n" + render_text(machine_rows, width);
    // One write: no half-drawn screen.
    fmt::print("{}{}", on_screen ? "\x1b[H\x1b[2J" : "", text);
    std::fflush(stdout);
}

void run(Context& context, const Options& options) {
    const auto pause = std::chrono::seconds(parse_seconds("--interval", options.interval));
    const bool on_screen = output_is_terminal() && !context.json();
    std::string sort = options.sort;
    const Keys keys;
    for (int round = 1;; ++round) {
        show(context, sort, on_screen);
        if (options.count != 0 && round >= options.count) return;
        if (options.count == 0 && !on_screen) return;  // once, for a pipe
        switch (keys.wait(pause)) {
            case 'q':
                return;
            case 'c':
                sort = "cpu";
                break;
            case 'm':
                sort = "memory";
                break;
            case 'n':
                sort = "name";
                break;
            default:
                break;
        }
    }
}

}  // namespace

void add_top(CLI::App& parent, Context& context) {
    auto options = std::make_shared<Options>();
    auto* command = parent.add_subcommand("top", "The busiest hosts and machines, live");
    command->add_option("--interval", options->interval, "look so often")
        ->type_name("TIME")
        ->capture_default_str();
    command->add_option("--sort", options->sort, "cpu, memory or name")
        ->check(CLI::IsMember({"cpu", "memory", "name"}))
        ->capture_default_str();
    command->add_option("--count", options->count, "end after so many looks")
        ->check(CLI::Range(1, 1'000'000));
    command->footer("\nKeys: c, m, n sort by CPU, memory, name; q ends. To a pipe it prints once.");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
