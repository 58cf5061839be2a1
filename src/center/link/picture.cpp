#include "center/link/picture.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::center {

using task::Awaitable;
using vim::Value;

namespace {

constexpr std::chrono::seconds kCallLimit{30};
// The time that an answer may take beyond the wait that was asked for.
constexpr std::chrono::seconds kPollSlack{10};

struct Way {
    std::string_view type;
    std::string path;
    std::vector<std::string_view> leads_to;
};

std::vector<Way> inventory_ways(vim::Release release) {
    std::vector<Way> ways{
        {"Folder",
         "childEntity",
         {"Folder", "Datacenter", "ComputeResource", "VirtualMachine", "Datastore"}},
        {"Datacenter", "vmFolder", {"Folder"}},
        {"Datacenter", "hostFolder", {"Folder"}},
        {"Datacenter", "datastoreFolder", {"Folder"}},
        {"Datacenter", "networkFolder", {"Folder"}},
        {"ComputeResource", "host", {"HostSystem"}},
        {"ComputeResource", "resourcePool", {"ResourcePool"}},
        {"ComputeResource", "environmentBrowser", {}},
        {"ResourcePool", "resourcePool", {"ResourcePool"}},
        {"ResourcePool", "vm", {"VirtualMachine"}},
        {"HostSystem", "vm", {"VirtualMachine"}},
        {"HostSystem", "datastore", {"Datastore"}},
        {"HostSystem", "network", {}},
        {"HostSystem", "datastoreBrowser", {}},
        {"Datastore", "browser", {}},
        {"VirtualMachine", "environmentBrowser", {}},
        {"VirtualMachine", "rootSnapshot", {"VirtualMachineSnapshot"}},
        {"VirtualMachineSnapshot", "childSnapshot", {"VirtualMachineSnapshot"}},
    };
    // Whatever managers a host can have; those that it lacks lead nowhere.
    for (const auto& manager : vim::describe(vim::TypeId::HostConfigManager).properties()) {
        if (manager.since() > release) continue;
        ways.push_back({"HostSystem", fmt::format("configManager.{}", manager.name()), {}});
    }
    return ways;
}

// Each traversal names those that may follow it: servers bound how many there are.
std::vector<vim::SelectionSpec> traversals(const std::vector<Way>& ways) {
    const auto name_of = [](const Way& way) { return fmt::format("{}.{}", way.type, way.path); };
    std::vector<vim::SelectionSpec> set;
    for (const Way& way : ways) {
        std::vector<vim::SelectionSpec> next;
        for (const Way& other : ways) {
            if (std::ranges::find(way.leads_to, other.type) == way.leads_to.end()) continue;
            auto named = vim::SelectionSpec::make();
            named.set_name(name_of(other));
            next.push_back(named);
        }
        auto traversal = vim::TraversalSpec::make();
        traversal.set_name(name_of(way));
        traversal.set_type(way.type);
        traversal.set_path(way.path);
        traversal.set_selectSet(next);
        set.push_back(traversal);
    }
    return set;
}

vim::PropertySpec everything_of(std::string_view type) {
    auto spec = vim::PropertySpec::make();
    spec.set_type(type);
    spec.set_all(true);
    return spec;
}

}  // namespace

vim::PropertyFilterSpec picture_spec(const vim::ServiceContent& content, vim::Release release) {
    std::vector<vim::ObjectSpec> starts;
    auto root = vim::ObjectSpec::make();
    root.set_obj(content.rootFolder());
    root.set_selectSet(traversals(inventory_ways(release)));
    starts.push_back(root);
    for (const auto& manager :
         {content.setting(), content.perfManager(), content.licenseManager(),
          content.diagnosticManager(), content.fileManager(), content.virtualDiskManager()}) {
        if (!manager) continue;
        auto start = vim::ObjectSpec::make();
        start.set_obj(*manager);
        starts.push_back(start);
    }
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({everything_of("ManagedObject")});
    spec.set_objectSet(starts);
    return spec;
}

vim::PropertyFilterSpec tasks_spec(const vim::ServiceContent& content) {
    auto recent = vim::TraversalSpec::make();
    recent.set_type("TaskManager");
    recent.set_path("recentTask");
    auto start = vim::ObjectSpec::make();
    start.set_obj(content.taskManager().value_or(vim::MoRef{}));
    start.set_skip(true);
    start.set_selectSet({recent});
    auto properties = vim::PropertySpec::make();
    properties.set_type("Task");
    properties.set_pathSet({"info"});
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({properties});
    spec.set_objectSet({start});
    return spec;
}

Awaitable<vim::PropertyFilterUpdate> UpdateStream::begin(vim::PropertyFilterSpec spec,
                                                         std::chrono::milliseconds limit) {
    const vim::MoRef service = session_->content().propertyCollector();
    const Value made = co_await session_->call("CreatePropertyCollector", service, {}, kCallLimit);
    collector_ = made.kind() == vim::ValueKind::moref ? made.as_moref() : service;
    auto request = vim::CreateFilterRequest::make();
    request.set_spec(spec);
    request.set_partialUpdates(false);
    co_await session_->call("CreateFilter", collector_, request, kCallLimit);
    auto whole = vim::PropertyFilterUpdate::make();
    std::vector<vim::ObjectUpdate> objects;
    for (bool truncated = true; truncated;) {
        const vim::UpdateSet set = co_await wait(std::chrono::seconds{0}, limit);
        if (!set) break;
        for (const auto& filter : set.filterSet()) {
            whole.set_filter(filter.filter());
            for (const auto& object : filter.objectSet()) objects.push_back(object);
        }
        truncated = set.truncated().value_or(false);
    }
    whole.set_objectSet(objects);
    co_return whole;
}

Awaitable<std::vector<vim::PropertyFilterUpdate>> UpdateStream::next() {
    const vim::UpdateSet set = co_await wait(poll_, poll_ + kPollSlack);
    if (!set) co_return std::vector<vim::PropertyFilterUpdate>{};
    co_return set.filterSet().to_vector();
}

Awaitable<vim::UpdateSet> UpdateStream::wait(std::chrono::seconds longest,
                                             std::chrono::milliseconds limit) {
    auto options = vim::WaitOptions::make();
    options.set_maxWaitSeconds(static_cast<std::int32_t>(longest.count()));
    auto request = vim::WaitForUpdatesExRequest::make();
    request.set_version(version_);
    request.set_options(options);
    const Value answer = co_await session_->call("WaitForUpdatesEx", collector_, request, limit);
    if (!answer) co_return vim::UpdateSet{};
    if (answer.kind() != vim::ValueKind::object || answer.type() != vim::TypeId::UpdateSet) {
        throw client::ConnectionError("the host's updates are none");
    }
    const vim::UpdateSet set(answer);
    version_ = set.version();
    co_return set;
}

void UpdateStream::end() {
    if (!collector_ || collector_ == session_->content().propertyCollector()) return;
    session_->spawn("DestroyPropertyCollector", collector_);
    collector_ = {};
}

}  // namespace drover::center
