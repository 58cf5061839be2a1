#include "task/tasks.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "vim/properties.hpp"

namespace drover::task {

using vim::MoRef;
using vim::TaskInfo;
using vim::TaskInfoState;
using vim::TypeId;
using vim::Value;

namespace {

TaskInfo new_info(const TaskSpec& spec, const MoRef& ref, base::WallTime now) {
    auto info = TaskInfo::make();
    info.set_key(ref.id);
    info.set_task(ref);
    if (spec.method != nullptr) info.set_name(spec.method->name());
    info.set_descriptionId(spec.description_id);
    info.set_entity(spec.entity);
    if (!spec.entity_name.empty()) info.set_entityName(spec.entity_name);
    info.set_state(TaskInfoState::running);
    info.set_cancelled(false);
    info.set_cancelable(spec.cancelable);
    if (spec.user.empty()) {
        info.set_reason(vim::TaskReasonSystem::make());
    } else {
        auto reason = vim::TaskReasonUser::make();
        reason.set_userName(spec.user);
        info.set_reason(reason);
    }
    info.set_queueTime(now);
    info.set_startTime(now);
    info.set_eventChainId(0);
    return info;
}

// The index of recentTask, which every managed entity inherits at the same place.
constexpr std::uint16_t kRecentTask = vim::property::ManagedEntity::recentTask;

}  // namespace

void TaskContext::set_progress(int percent) {
    owner_->update(ref_, [percent](TaskInfo& info) {
        if (info.state() == TaskInfoState::running) info.set_progress(percent);
    });
}

void TaskContext::set_description(std::string text) {
    owner_->update(ref_, [&text](TaskInfo& info) {
        auto message = vim::LocalizableMessage::make();
        message.set_key("drover.task.description");
        message.set_message(text);
        info.set_description(message);
    });
}

void TaskContext::check_cancelled() const {
    if (cancelled_)
        throw vim::make_fault<vim::RequestCanceled>("The task was cancelled by a user.");
}

Tasks::Tasks(Runtime& runtime, model::Inventory& inventory, MoRef manager, FaultOf fault_of)
    : runtime_(runtime),
      inventory_(inventory),
      manager_(std::move(manager)),
      fault_of_(std::move(fault_of)) {}

MoRef Tasks::start(TaskSpec spec, TaskBody body) {
    const auto now = runtime_.clock().wall_now();
    if (entries_.size() >= kMostTasks) expire();
    // Ids don't repeat over restarts: the time of the start stands in them.
    const MoRef ref{TypeId::Task,
                    fmt::format("haTask-{}-vim.{}-{}", spec.entity.id, spec.description_id,
                                now.time_since_epoch().count() / 1000 * 1000 +
                                    static_cast<std::int64_t>(next_++ % 1000))};
    auto context = std::make_shared<TaskContext>();
    context->owner_ = this;
    context->ref_ = ref;
    entries_[ref.id] = {context, spec.entity, {}, true, spec.cancelable};
    order_.push_back(ref);
    model::Transaction transaction(inventory_);
    transaction.create(ref.type, ref.id);
    transaction.set(ref, vim::property::Task::info, new_info(spec, ref, now).raw());
    publish_lists(transaction, spec.entity);
    transaction.commit();
    runtime_.spawn(ref.id, run(std::move(context), std::move(body)));
    return ref;
}

Awaitable<void> Tasks::run(TaskContextPtr context, TaskBody body) {
    Value result;
    std::optional<vim::Fault> fault;
    try {
        result = co_await body(context);
    } catch (...) {
        fault = fault_of_(std::current_exception());
    }
    if (fault) base::log_info("task {} failed: {}", context->ref().id, fault->message());
    finish(context->ref(), result, fault ? &*fault : nullptr);
}

void Tasks::finish(const MoRef& task, const Value& result, const vim::Fault* fault) {
    const auto entry = entries_.find(task.id);
    if (entry == entries_.end()) return;
    const auto now = runtime_.clock().wall_now();
    entry->second.is_running = false;
    entry->second.ended = now;
    entry->second.context->on_cancel_ = nullptr;
    update(task, [&](TaskInfo& info) {
        info.set_completeTime(now);
        info.clear_progress();
        info.set_cancelable(false);
        if (fault != nullptr) {
            info.set_state(TaskInfoState::error);
            info.set_error(fault->localized());
        } else {
            info.set_state(TaskInfoState::success);
            if (result) info.set_result(result);
        }
    });
}

void Tasks::update(const MoRef& task, const std::function<void(TaskInfo&)>& change) {
    const model::ManagedObject* object = inventory_.find(task.id);
    if (object == nullptr) return;
    TaskInfo info(object->property(vim::property::Task::info));
    change(info);
    model::Transaction transaction(inventory_);
    transaction.set(task, vim::property::Task::info, info.raw());
    transaction.commit();
}

void Tasks::add_method(Dispatcher& dispatcher, std::string_view method, std::string description_id,
                       MethodBody body, bool cancelable) {
    dispatcher.add_direct(method, [this, description_id = std::move(description_id),
                                   body = std::move(body), cancelable](const Call& call) {
        TaskSpec spec;
        spec.description_id = description_id;
        spec.entity = call.self;
        spec.method = call.method;
        spec.user = call.caller->user;
        spec.cancelable = cancelable;
        const model::ManagedObject* object = inventory_.find(call.self.id);
        if (vim::is_a(call.self.type, TypeId::ManagedEntity) && object != nullptr) {
            const Value& name = object->property(vim::property::ManagedEntity::name);
            if (name) spec.entity_name = name.as_string();
        }
        return Value::moref(start(std::move(spec), [call, body](TaskContextPtr context) {
            return body(call, std::move(context));
        }));
    });
}

void Tasks::cancel(const MoRef& task) {
    const auto entry = entries_.find(task.id);
    if (entry == entries_.end()) throw vim::object_not_found(task);
    if (!entry->second.is_running) {
        throw vim::make_fault<vim::InvalidState>("The task has ended already.");
    }
    if (!entry->second.cancelable) {
        throw vim::make_fault<vim::NotSupported>("This task can't be cancelled.");
    }
    TaskContext& context = *entry->second.context;
    context.cancelled_ = true;
    update(task, [](TaskInfo& info) { info.set_cancelled(true); });
    if (context.on_cancel_) std::exchange(context.on_cancel_, nullptr)();
}

std::optional<MoRef> Tasks::running_on(const MoRef& entity) const {
    for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
        const Entry& entry = entries_.at(at->id);
        if (entry.is_running && entry.entity == entity) return *at;
    }
    return std::nullopt;
}

void Tasks::publish_lists(model::Transaction& transaction, const MoRef& entity) {
    std::vector<Value> of_entity;
    std::vector<Value> all;
    for (const MoRef& task : order_) {
        all.push_back(Value::moref(task));
        if (entries_.at(task.id).entity == entity) of_entity.push_back(Value::moref(task));
    }
    transaction.set(manager_, vim::property::TaskManager::recentTask,
                    Value::array(TypeId::Task, std::move(all)));
    if (vim::is_a(entity.type, TypeId::ManagedEntity) && inventory_.find(entity.id) != nullptr) {
        transaction.set(entity, kRecentTask, Value::array(TypeId::Task, std::move(of_entity)));
    }
}

void Tasks::expire() {
    const auto limit = runtime_.clock().wall_now() - kKept;
    std::vector<MoRef> touched;
    model::Transaction transaction(inventory_);
    std::erase_if(order_, [&](const MoRef& task) {
        const Entry& entry = entries_.at(task.id);
        if (entry.is_running || entry.ended > limit) return false;
        touched.push_back(entry.entity);
        entries_.erase(task.id);
        transaction.destroy(task);
        return true;
    });
    for (const MoRef& entity : touched) publish_lists(transaction, entity);
    transaction.commit();
}

}  // namespace drover::task
