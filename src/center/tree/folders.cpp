// CreateFolder, CreateDatacenter, ReconfigureDatacenter_Task.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/tree/data.hpp"
#include "center/tree/names.hpp"
#include "center/tree/tree_events.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/inventory_types.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// Folders in folders: deeper than people build, shallower than what recursion of clients bears.
constexpr std::size_t kMostLevels = 60;

void require_depth(const TreeState& state, const MoRef& parent) {
    if (state.path_of(state.get(parent)).size() < kMostLevels) return;
    throw vim::make_fault<vim::NotSupported>(
        fmt::format("Folders may stand {} levels deep.", kMostLevels));
}

Awaitable<Value> create_folder(TreeState& state, Call call) {
    const auto turn = co_await state.turns.take();
    const std::string name =
        checked_name(call.arguments<vim::CreateFolderRequest>().name(), "name");
    const Node& parent = state.get(call.self);
    require_depth(state, call.self);
    state.require_free_name(call.self, name);
    const Node made = state.new_folder(name, parent.ref, parent.kind);
    co_await state.store({made});
    state.show({made});
    base::log_info("audit: '{}' made the folder '{}' ({})", call.caller->user, name, made.ref.id);
    co_return Value::moref(made.ref);
}

Awaitable<Value> create_datacenter(TreeState& state, Call call) {
    const auto turn = co_await state.turns.take();
    state.require_takes(call.self, TypeId::Datacenter);
    const std::string name =
        checked_name(call.arguments<vim::CreateDatacenterRequest>().name(), "name");
    state.require_free_name(call.self, name);
    Node made;
    made.ref = state.context.numbers.next(TypeId::Datacenter);
    made.name = name;
    made.parent = call.self;
    made.config = vim::make_object(TypeId::DatacenterConfigInfo);
    std::vector<Node> nodes{made};
    nodes.push_back(state.new_folder("vm", made.ref, FolderKind::machine, true));
    nodes.push_back(state.new_folder("host", made.ref, FolderKind::host, true));
    nodes.push_back(state.new_folder("datastore", made.ref, FolderKind::datastore, true));
    nodes.push_back(state.new_folder("network", made.ref, FolderKind::network, true));
    co_await state.store(nodes);
    state.show(std::move(nodes));
    auto event = vim::DatacenterCreatedEvent::make();
    event.set_datacenter(datacenter_argument(state, made.ref));
    event.set_parent(folder_argument(state, call.self));
    state.context.events.post(event, call.caller->user);
    base::log_info("audit: '{}' made the datacenter '{}' ({})", call.caller->user, name,
                   made.ref.id);
    co_return Value::moref(made.ref);
}

Awaitable<Value> reconfigure_datacenter(TreeState& state, Call call) {
    const auto turn = co_await state.turns.take();
    const auto request = call.arguments<vim::ReconfigureDatacenter_TaskRequest>();
    Node node = state.get(call.self);
    Value config = request.modify() ? node.config : vim::make_object(TypeId::DatacenterConfigInfo);
    for (const auto name : {"defaultHardwareVersionKey", "maximumHardwareVersionKey"}) {
        const Value& wanted = request.spec().raw().property(name);
        if (wanted) set_property(config, name, wanted);
    }
    node.config = config;
    co_await state.store({node});
    state.show({node});
    co_return Value{};
}

}  // namespace

void serve_folders(TreeState& state) {
    auto& dispatcher = state.context.dispatcher;
    dispatcher.add("CreateFolder",
                   [&state](Call call) { return create_folder(state, std::move(call)); });
    dispatcher.add("CreateDatacenter",
                   [&state](Call call) { return create_datacenter(state, std::move(call)); });
    state.context.tasks.add_method(dispatcher, "ReconfigureDatacenter_Task",
                                   "Datacenter.reconfigure",
                                   [&state](Call call, task::TaskContextPtr) {
                                       return reconfigure_datacenter(state, std::move(call));
                                   });
}

}  // namespace drover::center
