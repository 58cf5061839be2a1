#include "task/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "vim/properties.hpp"

namespace drover::task {

using vim::MoRef;
using vim::TaskInfo;
using vim::TaskInfoState;
using vim::TypeId;
using vim::Value;

namespace {

TaskInfo new_info(const TaskSpec& spec, const MoRef& ref, base::WallTime now, TaskInfoState state) {
    auto info = TaskInfo::make();
    info.set_key(ref.id);
    info.set_task(ref);
    if (spec.method != nullptr) info.set_name(spec.method->name());
    info.set_descriptionId(spec.description_id);
    if (vim::is_a(spec.entity.type, TypeId::ManagedEntity)) info.set_entity(spec.entity);
    if (!spec.entity_name.empty()) info.set_entityName(spec.entity_name);
    info.set_state(state);
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
    if (state != TaskInfoState::queued) info.set_startTime(now);
    info.set_eventChainId(0);
    if (!spec.parent_key.empty()) info.set_parentTaskKey(spec.parent_key);
    if (!spec.activation_id.empty()) info.set_activationId(spec.activation_id);
    return info;
}

bool has_ended(TaskInfoState state) {
    return state == TaskInfoState::success || state == TaskInfoState::error;
}

vim::Fault invalid_state(const char* message) {
    return vim::make_fault<vim::InvalidState>(message);
}

// Whether a reader is told of what is done with the object.
bool may_know(const model::ManagedObject& object, const model::Reader& reader) {
    return model::is_visible(object, reader) && reader.may_read(object, "System.Read");
}

// The index of recentTask, which every managed entity inherits at the same place.
constexpr std::uint16_t kRecentTask = vim::property::ManagedEntity::recentTask;

}  // namespace

void TaskContext::set_progress(int percent) {
    owner_->update(ref_, [percent](TaskInfo& info) {
        if (info.state() == TaskInfoState::running) info.set_progress(std::clamp(percent, 0, 100));
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

// Computed: a list of thousands is not to be made anew for each task that starts.
void Tasks::touch_recent(model::Transaction& transaction) {
    constexpr auto kList = vim::property::TaskManager::recentTask;
    const model::ManagedObject* manager = inventory_.find(manager_.id);
    if (manager == nullptr) return;
    if (manager->is_computed(kList)) return transaction.touch(manager_, kList);
    transaction.set_computed(manager_, kList, [this](const model::Reader& reader) {
        std::vector<Value> list;
        list.reserve(order_.size());
        for (const auto& [_, task] : order_) {
            const auto entry = entries_.find(task.id);
            if (entry == entries_.end()) continue;
            const auto* about = inventory_.find(entry->second.entity.id);
            if (about == nullptr) about = inventory_.find(manager_.id);  // it is gone
            if (about != nullptr && may_know(*about, reader)) list.push_back(Value::moref(task));
        }
        return Value::array(TypeId::Task, std::move(list));
    });
}

MoRef Tasks::start(TaskSpec spec, TaskBody body) {
    auto context = add(spec, TaskInfoState::running, false);
    const MoRef ref = context->ref();
    runtime_.spawn(ref.id, run(std::move(context), std::move(body)));
    return ref;
}

TaskInfo Tasks::create_foreign(TaskSpec spec) {
    if (foreign_open_ >= kMostForeign) {
        throw vim::make_fault<vim::SystemError>(
            "There are too many tasks that clients have created and not ended.");
    }
    const auto context = add(spec, TaskInfoState::queued, true);
    ++foreign_open_;
    return info(context->ref());
}

TaskContextPtr Tasks::add(const TaskSpec& spec, TaskInfoState state, bool is_foreign) {
    make_room();
    const auto now = runtime_.clock().wall_now();
    const std::uint64_t number = next_++;
    // References don't repeat, over restarts either: the time of the start stands in them.
    stamp_ = std::max(stamp_ + 1, std::int64_t{now.time_since_epoch().count()});
    const MoRef ref{TypeId::Task, fmt::format("haTask-{}-vim.{}-{}", spec.entity.id,
                                              spec.description_id, stamp_)};
    auto context = std::make_shared<TaskContext>();
    context->owner_ = this;
    context->ref_ = ref;
    TaskInfo made = new_info(spec, ref, now, state);
    if (!spec.parent_key.empty()) {
        const TaskInfo parent = info({TypeId::Task, spec.parent_key});
        made.set_rootTaskKey(parent ? std::string(parent.rootTaskKey().value_or(spec.parent_key))
                                    : spec.parent_key);
    }
    if (observer_ != nullptr) {
        made.set_eventChainId(observer_->task_started(made, spec.request));
    }
    entries_[ref.id] = {context, spec.entity, number, {}, true, spec.cancelable, is_foreign};
    order_[number] = ref;
    of_entity_[spec.entity.id].push_back(ref);
    model::Transaction transaction(inventory_);
    transaction.create(ref.type, ref.id);
    transaction.set(ref, vim::property::Task::info, made.raw());
    touch_recent(transaction);
    publish_entity(transaction, spec.entity);
    transaction.commit();
    return context;
}

void Tasks::make_room() {
    if (entries_.size() < kMostTasks) return;
    if (ended_.empty()) {
        throw vim::make_fault<vim::SystemError>(
            fmt::format("{} tasks are running; no more can be started.", entries_.size()));
    }
    model::Transaction transaction(inventory_);
    forget(transaction, ended_.front());
    ended_.pop_front();
    transaction.commit();
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
    finish(context->ref(), result, fault ? fault->localized() : vim::LocalizedMethodFault());
}

void Tasks::finish(const MoRef& task, const Value& result, const vim::LocalizedMethodFault& fault) {
    const auto entry = entries_.find(task.id);
    if (entry == entries_.end() || !entry->second.is_running) return;
    const auto now = runtime_.clock().wall_now();
    entry->second.is_running = false;
    entry->second.ended = now;
    entry->second.context->on_cancel_ = nullptr;
    if (entry->second.is_foreign) --foreign_open_;
    ended_.push_back(task.id);
    update(task, [&](TaskInfo& changed) {
        if (!changed.startTime()) changed.set_startTime(now);
        changed.set_completeTime(now);
        changed.clear_progress();
        changed.set_cancelable(false);
        if (fault) {
            changed.set_state(TaskInfoState::error);
            changed.set_error(fault);
        } else {
            changed.set_state(TaskInfoState::success);
            if (result) changed.set_result(result);
        }
    });
}

void Tasks::update(const MoRef& task, const std::function<void(TaskInfo&)>& change) {
    TaskInfo changed = info(task);
    if (!changed) return;
    const Value before = changed.raw();
    change(changed);
    if (changed.raw() == before) return;
    // First what follows from it, events and history: whoever waits for the task's end finds them.
    if (observer_ != nullptr) observer_->task_changed(changed);
    model::Transaction transaction(inventory_);
    transaction.set(task, vim::property::Task::info, changed.raw());
    transaction.commit();
}

void Tasks::add_method(Dispatcher& dispatcher, std::string_view method, std::string description_id,
                       MethodBody body, bool cancelable) {
    declare(description_id, method);
    dispatcher.add_direct(method, [this, description_id = std::move(description_id),
                                   body = std::move(body), cancelable](const Call& call) {
        TaskSpec spec;
        spec.description_id = description_id;
        spec.entity = call.self;
        spec.method = call.method;
        spec.user = call.caller->user;
        spec.cancelable = cancelable;
        spec.request = call.request;
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

void Tasks::declare(std::string description_id, std::string_view method) {
    declared_[std::move(description_id)] = method;
}

void Tasks::cancel(const MoRef& task) {
    const auto entry = entries_.find(task.id);
    if (entry == entries_.end()) throw vim::object_not_found(task);
    if (!entry->second.is_running) throw invalid_state("The task has ended already.");
    if (!entry->second.cancelable) {
        throw vim::make_fault<vim::NotSupported>("This task can't be cancelled.");
    }
    TaskContext& context = *entry->second.context;
    context.cancelled_ = true;
    update(task, [](TaskInfo& changed) { changed.set_cancelled(true); });
    if (context.on_cancel_) std::exchange(context.on_cancel_, nullptr)();
}

// A task of the server's own says itself how it goes.
Tasks::Entry& Tasks::foreign(const MoRef& task) {
    const auto entry = entries_.find(task.id);
    if (entry == entries_.end()) throw vim::object_not_found(task);
    if (!entry->second.is_foreign) {
        throw invalid_state("Only tasks that were made by CreateTask can be changed by clients.");
    }
    if (!entry->second.is_running) throw invalid_state("The task has ended already.");
    return entry->second;
}

void Tasks::set_state(const MoRef& task, TaskInfoState state, const Value& result,
                      const vim::LocalizedMethodFault& fault) {
    foreign(task);
    if (state == TaskInfoState::error && !fault) {
        throw vim::invalid_argument("fault", "A task that fails needs a fault.");
    }
    if (has_ended(state)) {
        const bool failed = state == TaskInfoState::error;
        return finish(task, failed ? Value{} : result,
                      failed ? fault : vim::LocalizedMethodFault());
    }
    if (state == TaskInfoState::queued && info(task).state() != TaskInfoState::queued) {
        throw invalid_state("A task that runs can't be queued again.");
    }
    const auto now = runtime_.clock().wall_now();
    update(task, [&](TaskInfo& changed) {
        changed.set_state(state);
        if (state == TaskInfoState::running && !changed.startTime()) changed.set_startTime(now);
        if (result) changed.set_result(result);
    });
}

void Tasks::set_progress(const MoRef& task, std::int32_t percent) {
    foreign(task);
    if (info(task).state() != TaskInfoState::running) {
        throw invalid_state("The task is not running.");
    }
    if (percent < 0 || percent > 100) {
        auto fault = vim::OutOfBounds::make();
        fault.set_argumentName("percentDone");
        throw vim::Fault(fault, fmt::format("percentDone is {}; 0 to 100 are allowed.", percent));
    }
    update(task, [percent](TaskInfo& changed) { changed.set_progress(percent); });
}

void Tasks::set_description(const MoRef& task, const vim::LocalizableMessage& description) {
    foreign(task);
    update(task, [&](TaskInfo& changed) { changed.set_description(description); });
}

std::optional<MoRef> Tasks::running_on(const MoRef& entity) const {
    const auto found = of_entity_.find(entity.id);
    if (found == of_entity_.end()) return std::nullopt;
    for (auto at = found->second.rbegin(); at != found->second.rend(); ++at) {
        if (entries_.at(at->id).is_running) return *at;
    }
    return std::nullopt;
}

TaskInfo Tasks::info(const MoRef& task) const {
    const model::ManagedObject* object = inventory_.find(task.id);
    if (object == nullptr || object->type() != TypeId::Task) return {};
    return TaskInfo(object->property(vim::property::Task::info));
}

std::vector<TaskInfo> Tasks::all() const {
    std::vector<TaskInfo> list;
    list.reserve(order_.size());
    for (const auto& [_, task] : order_) list.push_back(info(task));
    return list;
}

void Tasks::publish_entity(model::Transaction& transaction, const MoRef& entity) {
    if (!vim::is_a(entity.type, TypeId::ManagedEntity)) return;
    if (!transaction.exists(entity)) return;
    std::vector<Value> list;
    const auto found = of_entity_.find(entity.id);
    if (found != of_entity_.end()) {
        const auto& tasks = found->second;
        const std::size_t skipped = tasks.size() - std::min(tasks.size(), kMostOfEntity);
        for (std::size_t i = skipped; i < tasks.size(); ++i) {
            list.push_back(Value::moref(tasks[i]));
        }
    }
    transaction.set(entity, kRecentTask, Value::array(TypeId::Task, std::move(list)));
}

// The caller takes it from ended_.
void Tasks::forget(model::Transaction& transaction, const std::string& id) {
    const auto entry = entries_.find(id);
    const MoRef entity = entry->second.entity;
    const MoRef task{TypeId::Task, id};
    auto& siblings = of_entity_[entity.id];
    std::erase(siblings, task);
    publish_entity(transaction, entity);
    if (siblings.empty()) of_entity_.erase(entity.id);
    order_.erase(entry->second.number);
    entries_.erase(entry);
    transaction.destroy(task);
    touch_recent(transaction);
}

void Tasks::expire() {
    const auto limit = runtime_.clock().wall_now() - kept_;
    model::Transaction transaction(inventory_);
    while (!ended_.empty() && entries_.at(ended_.front()).ended <= limit) {
        forget(transaction, ended_.front());
        ended_.pop_front();
    }
    transaction.commit();
}

}  // namespace drover::task
