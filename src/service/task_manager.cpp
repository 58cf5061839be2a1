#include "service/task_manager.hpp"

#include "vim/properties.hpp"

namespace drover::service {

using vim::TypeId;
using vim::Value;

void create_task_manager(model::Inventory& inventory, const vim::MoRef& manager) {
    namespace property = vim::property::TaskManager;
    model::Transaction transaction(inventory);
    transaction.create(manager.type, manager.id);
    transaction.set(manager, property::recentTask, Value::array(TypeId::Task, {}));
    // History collectors are not served: there can be none.
    transaction.set(manager, property::maxCollector, Value::int_(0));
    auto description = vim::TaskDescription::make();
    description.set_methodInfo({});
    description.set_state({});
    description.set_reason({});
    transaction.set(manager, property::description, description.raw());
    transaction.commit();
}

void serve_tasks(task::Dispatcher& dispatcher, task::Tasks& tasks) {
    dispatcher.add_direct("CancelTask", [&tasks](const task::Call& call) {
        tasks.cancel(call.self);
        return Value{};
    });
}

}  // namespace drover::service
