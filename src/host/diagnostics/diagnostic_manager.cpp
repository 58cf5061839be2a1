#include "host/diagnostics/diagnostic_manager.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/options/host_options.hpp"
#include "host/references.hpp"
#include "host/service_instance.hpp"
#include "service/diagnostics/log_lines.hpp"
#include "service/diagnostics/support_bundle.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using service::kernel_facts;
using service::kMostLogLines;
using service::LogLines;
using service::read_log_lines;
using service::remove_old_bundles;
using service::write_bundle;
using task::Awaitable;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKept = "Config.HostAgent.diagnostics.keptMinutes";
constexpr const char* kMakingBundles = "DiagnosticManager.generateLogBundles";
constexpr std::string_view kQueue = "diagnostics";
constexpr std::chrono::seconds kReadLimit{30};
constexpr std::chrono::minutes kBundleLimit{5};
constexpr std::chrono::minutes kCleanUp{1};
constexpr std::size_t kMostDescribedMachines = 2000;

// The host agent's own, and those of the system that its user may read.
std::vector<LogSource> all_sources(const Config& config) {
    return {
        {"hostd", log_directory(config) / "hostd.log", "hostd", "Log of the host agent"},
        {"vmkernel", "/var/log/kern.log", "kernel", "Log of the Linux kernel"},
        {"messages", "/var/log/syslog", "syslog", "Log of the system"},
        {"libvirtd", "/var/log/libvirt/libvirtd.log", "libvirtd", "Log of the hypervisor's driver"},
    };
}

bool is_readable(const LogSource& source) {
    return ::access(source.path.c_str(), R_OK) == 0;
}

Value describe(const LogSource& source) {
    auto info = vim::Description::make();
    info.set_label(source.label);
    info.set_summary(source.label);
    auto made = vim::DiagnosticManagerLogDescriptor::make();
    made.set_key(source.key);
    made.set_fileName(source.path.string());
    made.set_creator(source.creator);
    made.set_format("plain");
    made.set_mimeType("text/plain");
    made.set_info(info);
    return made.raw();
}

// The task that makes a bundle: the oldest of those that want one. (A bundle that is fetched by
// HTTP has none; then it is the only one that wants one.)
vim::MoRef making_task(const task::Tasks& tasks) {
    for (const vim::TaskInfo& info : tasks.all()) {
        const bool is_running = info.state() == vim::TaskInfoState::running;
        if (is_running && info.descriptionId() == kMakingBundles) return info.task();
    }
    return {};
}

vim::Fault cannot_access(const std::string& file, std::string reason) {
    auto fault = vim::CannotAccessFile::make();
    fault.set_file(file);
    return vim::Fault(fault, std::move(reason));
}

void require_this_host(const std::optional<vim::MoRef>& host, std::string_view path) {
    if (host && *host != references::host) {
        throw vim::invalid_argument(path, fmt::format("There is no host '{}' here.", host->id));
    }
}

// Every property of an object that is stored, with secrets masked.
std::string dump(const model::ManagedObject& object) {
    std::string text;
    const auto properties = vim::describe(object.type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const Value& value = object.property(static_cast<model::PropertyIndex>(i));
        if (!value) continue;
        text += fmt::format("{}: {}\n", properties[i].name(), vim::to_debug_string(value));
    }
    return text;
}

}  // namespace

DiagnosticManager::DiagnosticManager(const HostContext& context, Options& options)
    : context_(context),
      options_(options),
      directory_(context.config.state_directory / "support"),
      sources_(all_sources(context.config)) {}

void DiagnosticManager::define_options() {
    OptionDefinition kept;
    kept.key = kKept;
    kept.label = "Support bundles";
    kept.summary = "After how many minutes a support bundle is removed.";
    kept.initial = Value::int_(60);
    kept.least = 1;
    kept.most = 1440;
    options_.define(std::move(kept));
}

void DiagnosticManager::start() {
    const auto& self = references::diagnostic_manager;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("QueryDescriptions", [this](task::Call call) -> Awaitable<Value> {
        require_this_host(call.arguments<vim::QueryDescriptionsRequest>().host(), "host");
        co_return co_await describe_logs();
    });
    dispatcher.add("BrowseDiagnosticLog",
                   [this](task::Call call) { return browse(std::move(call)); });
    context_.tasks.add_method(
        dispatcher, "GenerateLogBundles_Task", kMakingBundles,
        [this](task::Call call, task::TaskContextPtr) { return generate(std::move(call)); });
    context_.runtime.spawn("support bundles", clean_up());
}

Awaitable<Value> DiagnosticManager::describe_logs() {
    co_return co_await context_.runtime.blocking(
        std::string(kQueue),
        [sources = sources_] {
            std::vector<Value> list;
            for (const LogSource& source : sources) {
                if (is_readable(source)) list.push_back(describe(source));
            }
            return Value::array(TypeId::DiagnosticManagerLogDescriptor, std::move(list));
        },
        kReadLimit);
}

Awaitable<Value> DiagnosticManager::browse(task::Call call) {
    const auto request = call.arguments<vim::BrowseDiagnosticLogRequest>();
    require_this_host(request.host(), "host");
    const std::string key(request.key());
    const auto source = std::ranges::find(sources_, key, &LogSource::key);
    if (source == sources_.end()) {
        throw vim::invalid_argument("key", fmt::format("There is no log '{}'.", key));
    }
    const std::int32_t lines = request.lines().value_or(0);
    if (lines < 0) throw vim::invalid_argument("lines", "The number must not be negative.");
    const std::size_t count = lines == 0 ? kMostLogLines : static_cast<std::size_t>(lines);
    const std::int32_t start = request.start().value_or(1);
    LogLines found;
    std::string failure;
    try {
        found = co_await context_.runtime.blocking(
            std::string(kQueue),
            [path = source->path, start, count] { return read_log_lines(path, start, count); },
            kReadLimit);
    } catch (const std::system_error& error) {
        failure = error.what();
    }
    if (!failure.empty()) throw cannot_access(source->path.string(), failure);
    auto header = vim::DiagnosticManagerLogHeader::make();
    header.set_lineStart(found.first);
    header.set_lineEnd(found.last);
    header.set_lineText({found.lines.begin(), found.lines.end()});
    co_return header.raw();
}

std::map<std::string, std::string> DiagnosticManager::describe_host() const {
    const auto& info = context_.host_info;
    std::map<std::string, std::string> texts;
    texts["versions.txt"] =
        fmt::format("drover {}\nAPI {}\nlibvirt {}\nQEMU {}\naccelerator {}\n", kProductVersion,
                    kApiVersion, info.libvirt_version, info.qemu_version,
                    info.accelerator == hypervisor::Accelerator::kvm ? "KVM" : "TCG");
    std::size_t machines = 0;
    context_.inventory.for_each([&](const model::ManagedObject& object) {
        if (object.type() == TypeId::HostSystem) texts["host.txt"] = dump(object);
        if (object.type() == TypeId::OptionManager) texts["options.txt"] = dump(object);
        if (object.type() == TypeId::Datastore) {
            texts[fmt::format("datastores/{}.txt", object.id())] = dump(object);
        }
        if (object.type() == TypeId::VirtualMachine && ++machines <= kMostDescribedMachines) {
            texts[fmt::format("machines/{}.txt", object.id())] = dump(object);
        }
        if (object.type() == TypeId::Task) texts["tasks.txt"] += dump(object);
    });
    return texts;
}

Awaitable<std::string> DiagnosticManager::make_bundle() {
    if (making_) {
        auto fault = vim::TaskInProgress::make();
        fault.set_task(making_task(context_.tasks));
        throw vim::Fault(fault, "A support bundle is being made already.");
    }
    struct Making {
        explicit Making(bool& flag) : flag_(flag) { flag_ = true; }
        ~Making() { flag_ = false; }
        Making(const Making&) = delete;
        Making& operator=(const Making&) = delete;
        bool& flag_;
    } making(making_);
    // The name can't be guessed, so a link to it can be handed on without telling of others.
    const std::string name = fmt::format(
        "drover-support-{:%Y%m%d-%H%M%S}-{}.tgz",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())),
        context_.random.hex(8));
    const auto kept = std::chrono::minutes(options_.number(kKept));
    std::string failure;
    try {
        co_await context_.runtime.blocking(
            std::string(kQueue) + ":bundle",
            [directory = directory_, name, texts = describe_host(), kept,
             logs = log_directory(context_.config)]() mutable {
                texts.merge(kernel_facts());
                std::filesystem::create_directories(directory);
                write_bundle(directory / name, {std::move(texts), logs});
                remove_old_bundles(directory, kept, kMostBundles);
            },
            kBundleLimit);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty()) {
        base::log_warning("support bundle: {}", failure);
        throw vim::make_fault<vim::LogBundlingFailed>("The bundle can't be made: " + failure);
    }
    co_return name;
}

Awaitable<Value> DiagnosticManager::generate(task::Call call) {
    const auto request = call.arguments<vim::GenerateLogBundles_TaskRequest>();
    for (const auto& host : request.host()) require_this_host(host, "host");
    const std::string name = co_await make_bundle();
    auto bundle = vim::DiagnosticManagerBundleInfo::make();
    bundle.set_system(references::host);
    bundle.set_url(
        fmt::format("https://{}/downloads/{}", context_.config.management_address, name));
    base::log_info("audit: '{}' makes support bundle {}", call.caller->user, name);
    co_return Value::array(TypeId::DiagnosticManagerBundleInfo, {bundle.raw()});
}

Awaitable<void> DiagnosticManager::clean_up() {
    while (true) {
        const auto kept = std::chrono::minutes(options_.number(kKept));
        co_await context_.runtime.blocking(
            std::string(kQueue) + ":bundle",
            [directory = directory_, kept] { remove_old_bundles(directory, kept, kMostBundles); },
            kBundleLimit);
        co_await context_.runtime.sleep(kCleanUp);
    }
}

}  // namespace drover::host
