#include "service/task_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/history/event_visibility.hpp"
#include "service/history/task_descriptions.hpp"
#include "service/history/task_filter.hpp"
#include "vim/history_types.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostNameBytes = 256;
constexpr std::size_t kMostResultBytes = 256 << 10;

void check_name(std::string_view text, std::string_view path) {
    if (text.size() <= kMostNameBytes) return;
    throw vim::invalid_argument(path,
                                fmt::format("{} has more than {} bytes.", path, kMostNameBytes));
}

Value create_task(const Call& call, task::Tasks& tasks, const model::Inventory& inventory) {
    const auto request = call.arguments<vim::CreateTaskRequest>();
    const auto& object = inventory.get(request.obj());
    if (request.taskTypeId().empty()) {
        throw vim::invalid_argument("taskTypeId", "taskTypeId is empty.");
    }
    check_name(request.taskTypeId(), "taskTypeId");
    check_name(request.initiatedBy().value_or(""), "initiatedBy");
    check_name(request.parentTaskKey().value_or(""), "parentTaskKey");
    check_name(request.activationId().value_or(""), "activationId");
    task::TaskSpec spec;
    spec.description_id = request.taskTypeId();
    spec.entity = object.ref();
    spec.user = request.initiatedBy().value_or(call.caller->user);
    spec.cancelable = request.cancelable();
    spec.parent_key = request.parentTaskKey().value_or("");
    spec.activation_id = request.activationId().value_or("");
    if (vim::is_a(object.type(), TypeId::ManagedEntity)) {
        const Value& name = object.property(vim::property::ManagedEntity::name);
        if (name) spec.entity_name = name.as_string();
    }
    return tasks.create_foreign(std::move(spec)).raw();
}

Value set_state(const Call& call, task::Tasks& tasks) {
    const auto request = call.arguments<vim::SetTaskStateRequest>();
    if (to_stored(call.request).size() > kMostResultBytes) {
        throw vim::invalid_argument(
            "result", fmt::format("The result takes more than {} bytes.", kMostResultBytes));
    }
    tasks.set_state(call.self, request.state(), request.result(), request.fault());
    return {};
}

ResultFilter result_filter(const vim::TaskInfoFilterSpec& spec) {
    ResultFilter made;
    const auto results =
        spec ? spec.filterTaskResults() : vim::TaskInfoFilterSpecFilterTaskResults();
    if (!results) return made;
    made.drops_all = results.removeAll().value_or(false);
    made.keeps_listed = results.filterIn().value_or(false);
    for (const auto id : results.descriptionIds()) made.description_ids.emplace(id);
    return made;
}

// What a caller may know of.
HistoryCollectors::Sees eyes_of(const task::Caller& caller, const model::Inventory& inventory,
                                const HistoryCollectors& collectors, const vim::MoRef& root) {
    if (!collectors.readers()) return nullptr;
    return [&inventory, reader = collectors.readers()(caller), root](const HistoryItem& item) {
        return may_see(vim::TaskInfo(item.value), inventory, *reader, root);
    };
}

void serve_collectors(task::Dispatcher& dispatcher, const model::Inventory& inventory,
                      HistoryCollectors& collectors, const vim::MoRef& root) {
    const auto create = [&inventory, &collectors, root](Call call, vim::TaskFilterSpec spec,
                                                        ResultFilter results) -> Awaitable<Value> {
        const auto filter = std::make_shared<const TaskFilter>(spec, root, std::move(results));
        auto sees = eyes_of(*call.caller, inventory, collectors, root);
        co_return Value::moref(co_await collectors.create(
            store::Log::tasks, call.caller->session_key, spec.raw(), filter, 0, std::move(sees)));
    };
    dispatcher.add("CreateCollectorForTasks", [create](Call call) {
        const auto request = call.arguments<vim::CreateCollectorForTasksRequest>();
        return create(call, vim::TaskFilterSpec(request.filter().raw()), {});
    });
    dispatcher.add("CreateCollectorWithInfoFilterForTasks", [create](Call call) {
        const auto request = call.arguments<vim::CreateCollectorWithInfoFilterForTasksRequest>();
        return create(call, request.filter(), result_filter(request.infoFilter()));
    });
}

}  // namespace

void create_task_manager(model::Inventory& inventory, const vim::MoRef& manager) {
    namespace property = vim::property::TaskManager;
    model::Transaction transaction(inventory);
    transaction.create(manager.type, manager.id);
    transaction.set(manager, property::recentTask, Value::array(TypeId::Task, {}));
    transaction.set(manager, property::maxCollector,
                    Value::int_(static_cast<std::int32_t>(HistoryCollectors::kMostPerSession)));
    transaction.set(manager, property::description, describe_tasks({}).raw());
    transaction.commit();
}

void serve_tasks(task::Dispatcher& dispatcher, task::Tasks& tasks, model::Inventory& inventory,
                 HistoryCollectors& collectors, const vim::MoRef& manager, const vim::MoRef& root) {
    {
        model::Transaction transaction(inventory);
        transaction.set_computed(
            manager, vim::property::TaskManager::description,
            [&tasks](const model::Reader&) { return describe_tasks(tasks.declared()).raw(); });
        transaction.commit();
    }
    dispatcher.add_direct("CancelTask", [&tasks](const Call& call) {
        tasks.cancel(call.self);
        return Value{};
    });
    dispatcher.add_direct("CreateTask", [&tasks, &inventory](const Call& call) {
        return create_task(call, tasks, inventory);
    });
    dispatcher.add_direct("SetTaskState",
                          [&tasks](const Call& call) { return set_state(call, tasks); });
    dispatcher.add_direct("UpdateProgress", [&tasks](const Call& call) {
        tasks.set_progress(call.self, call.arguments<vim::UpdateProgressRequest>().percentDone());
        return Value{};
    });
    dispatcher.add_direct("SetTaskDescription", [&tasks](const Call& call) {
        tasks.set_description(call.self,
                              call.arguments<vim::SetTaskDescriptionRequest>().description());
        return Value{};
    });
    serve_collectors(dispatcher, inventory, collectors, root);
}

}  // namespace drover::service
