#include "center/operations/diagnostics.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/options/center_options.hpp"
#include "center/references.hpp"
#include "center/service_instance.hpp"
#include "service/diagnostics/log_lines.hpp"
#include "service/diagnostics/support_bundle.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using service::LogLines;
using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kQueue = "diagnostics";
constexpr std::string_view kBundleQueue = "diagnostics:bundle";
constexpr const char* kMakingBundles = "DiagnosticManager.generateLogBundles";
constexpr std::string_view kBundlePrefix = "drover-support-";
constexpr std::chrono::seconds kReadLimit{30};
constexpr std::chrono::minutes kBundleLimit{5};
constexpr std::size_t kMostDescribed = 2000;

// The task that makes a bundle: the oldest of those that want one.
MoRef making_task(const task::Tasks& tasks) {
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

Diagnostics::Diagnostics(CenterContext& context, Hosts& hosts, Forwarding& forwarding)
    : context_(context),
      hosts_(hosts),
      forwarding_(forwarding),
      directory_(context.config.state_directory / "support"),
      log_(log_directory(context.config) / "centerd.log") {}

void Diagnostics::serve() {
    const auto& self = references::diagnostic_manager;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    context_.methods.add(self.type, "QueryDescriptions",
                         [this](Call call) { return describe_logs(std::move(call)); });
    context_.methods.add(self.type, "BrowseDiagnosticLog",
                         [this](Call call) { return browse(std::move(call)); });
    context_.methods.add_task(self.type, "GenerateLogBundles_Task", kMakingBundles,
                              [this](Call call, task::TaskContextPtr task) {
                                  return generate(std::move(call), std::move(task));
                              });
    context_.runtime.spawn("support bundles", clean_up());
}

// The host's own manager; its requests take the center's references.
HostObject Diagnostics::manager_of(const MoRef& reference) const {
    Host* host = hosts_.find(reference);
    if (host == nullptr) {
        throw vim::invalid_argument("host",
                                    fmt::format("There is no host '{}' here.", reference.id));
    }
    Forwarding::require_connected(*host);
    const auto manager = host->link->content().diagnosticManager();
    if (!manager) {
        throw vim::make_fault<vim::NotSupported>(
            fmt::format("The host '{}' tells nothing of its logs.", host->name));
    }
    return {host, *manager};
}

Awaitable<Value> Diagnostics::describe_logs(Call call) {
    const auto host = call.arguments<vim::QueryDescriptionsRequest>().host();
    if (host) {
        const HostObject there = manager_of(*host);
        co_return co_await forwarding_.call(there, "QueryDescriptions", call.request);
    }
    auto info = vim::Description::make();
    info.set_label("Log of the center");
    info.set_summary("Log of the center");
    auto made = vim::DiagnosticManagerLogDescriptor::make();
    made.set_key(kLogKey);
    made.set_fileName(log_.string());
    made.set_creator("vpxd");
    made.set_format("plain");
    made.set_mimeType("text/plain");
    made.set_info(info);
    co_return Value::array(TypeId::DiagnosticManagerLogDescriptor, {made.raw()});
}

Awaitable<Value> Diagnostics::browse(Call call) {
    const auto request = call.arguments<vim::BrowseDiagnosticLogRequest>();
    if (request.host()) {
        const HostObject there = manager_of(*request.host());
        co_return co_await forwarding_.call(there, "BrowseDiagnosticLog", call.request);
    }
    const std::string key(request.key());
    if (key != kLogKey && key != "vpxd" && key != "centerd") {
        throw vim::invalid_argument("key", fmt::format("There is no log '{}'.", key));
    }
    const std::int32_t lines = request.lines().value_or(0);
    if (lines < 0) throw vim::invalid_argument("lines", "The number must not be negative.");
    const std::size_t count = lines == 0 ? service::kMostLogLines : static_cast<std::size_t>(lines);
    LogLines found;
    std::string failure;
    try {
        found = co_await context_.runtime.blocking(
            std::string(kQueue),
            [path = log_, start = request.start().value_or(1), count] {
                return service::read_log_lines(path, start, count);
            },
            kReadLimit);
    } catch (const std::system_error& error) {
        failure = error.what();
    }
    if (!failure.empty()) throw cannot_access(log_.string(), failure);
    auto header = vim::DiagnosticManagerLogHeader::make();
    header.set_lineStart(found.first);
    header.set_lineEnd(found.last);
    header.set_lineText({found.lines.begin(), found.lines.end()});
    co_return header.raw();
}

std::map<std::string, std::string> Diagnostics::describe_center() const {
    std::map<std::string, std::string> texts;
    texts["versions.txt"] = fmt::format("drover Center {}\nAPI {}\n", kProductVersion, kApiVersion);
    hosts_.for_each([&](Host& host) {
        texts["hosts.txt"] += fmt::format("{} {} uuid {} in {}\n", host.ref.id, host.name,
                                          host.uuid, host.compute_resource.id);
    });
    std::map<TypeId, std::size_t> counts;
    context_.inventory.for_each([&](const model::ManagedObject& object) {
        const auto name = vim::describe(object.type()).name();
        if (object.type() == TypeId::Task) {
            texts["tasks.txt"] += dump(object);
        } else if (vim::is_a(object.type(), TypeId::ManagedEntity) ||
                   object.type() == TypeId::OptionManager) {
            if (++counts[object.type()] > kMostDescribed) return;
            texts[fmt::format("{}/{}.txt", name, object.id())] = dump(object);
        }
    });
    return texts;
}

Awaitable<std::string> Diagnostics::make_bundle() {
    if (making_) {
        auto fault = vim::TaskInProgress::make();
        fault.set_task(making_task(context_.tasks));
        throw vim::Fault(fault, "A support bundle is being made already.");
    }
    making_ = true;
    // The name can't be guessed, so a link to it can be handed on without telling of others.
    const std::string name = fmt::format(
        "{}{:%Y%m%d-%H%M%S}-{}.tgz", kBundlePrefix,
        fmt::gmtime(std::chrono::system_clock::to_time_t(context_.runtime.clock().wall_now())),
        context_.random.hex(8));
    std::string failure;
    try {
        co_await context_.runtime.blocking(
            std::string(kBundleQueue),
            [directory = directory_, name, texts = describe_center(),
             logs = log_.parent_path()]() mutable {
                texts.merge(service::kernel_facts());
                std::filesystem::create_directories(directory);
                service::write_bundle(directory / name, {std::move(texts), logs});
                service::remove_old_bundles(directory, kBundlesKept, kMostBundles);
            },
            kBundleLimit);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    making_ = false;
    if (!failure.empty()) {
        base::log_warning("support bundle: {}", failure);
        throw vim::make_fault<vim::LogBundlingFailed>("The bundle can't be made: " + failure);
    }
    co_return name;
}

std::string Diagnostics::url_of(std::string_view path) const {
    const auto& config = context_.config;
    const auto& address = config.management_address;
    const bool v6 = address.contains(':');
    return fmt::format("https://{}{}{}{}/downloads/{}", v6 ? "[" : "", address, v6 ? "]" : "",
                       config.listen_port == 443 ? "" : fmt::format(":{}", config.listen_port),
                       path);
}

// Hosts make theirs side by side with nobody's help; the center only tells where they are.
Awaitable<Value> Diagnostics::generate(Call call, task::TaskContextPtr task) {
    const auto request = call.arguments<vim::GenerateLogBundles_TaskRequest>();
    std::vector<MoRef> hosts;
    for (const MoRef& host : request.host()) hosts.push_back(host);
    for (const MoRef& host : hosts) manager_of(host);
    std::vector<Value> bundles;
    const auto add = [&](const std::optional<MoRef>& system, const std::string& path) {
        auto bundle = vim::DiagnosticManagerBundleInfo::make();
        if (system) bundle.set_system(*system);
        bundle.set_url(url_of(path));
        bundles.push_back(bundle.raw());
    };
    if (request.includeDefault() || hosts.empty()) add(std::nullopt, co_await make_bundle());
    for (const MoRef& host : hosts) {
        auto there = vim::GenerateLogBundles_TaskRequest::make();
        there.set_includeDefault(true);
        const Value made = co_await forwarding_.run_task(
            manager_of(host), "GenerateLogBundles_Task", there.raw(), task);
        if (made.kind() != vim::ValueKind::array) continue;
        for (const Value& each : made.elements()) {
            const std::string url(vim::DiagnosticManagerBundleInfo(each).url());
            add(host, fmt::format("{}/{}", host.id, url.substr(url.rfind('/') + 1)));
        }
    }
    base::log_info("audit: '{}' makes {} support bundles", call.caller->user, bundles.size());
    co_return Value::array(TypeId::DiagnosticManagerBundleInfo, std::move(bundles));
}

bool Diagnostics::is_bundle_name(std::string_view name) {
    return name.starts_with(kBundlePrefix) && name.ends_with(".tgz") && name.size() < 128 &&
           std::ranges::all_of(
               name,
               [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
               });
}

std::optional<Diagnostics::HostBundle> Diagnostics::host_bundle(std::string_view path) const {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const Host* host = hosts_.find(MoRef{TypeId::HostSystem, std::string(path.substr(0, slash))});
    const std::string_view name = path.substr(slash + 1);
    if (host == nullptr || !is_bundle_name(name)) return std::nullopt;
    return HostBundle{host->ref, std::string(name)};
}

Awaitable<void> Diagnostics::clean_up() {
    constexpr std::chrono::minutes kEvery{1};
    while (true) {
        co_await context_.runtime.blocking(
            std::string(kBundleQueue),
            [directory = directory_] {
                service::remove_old_bundles(directory, kBundlesKept, kMostBundles);
            },
            kBundleLimit);
        co_await context_.runtime.sleep(kEvery);
    }
}

}  // namespace drover::center
