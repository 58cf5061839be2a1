#include "host/files/file_task.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

#include "vim/properties.hpp"

namespace drover::host::files {

using vim::MoRef;
using vim::Value;

void add_task_method(const HostContext& context, std::string_view method,
                     std::string description_id, EntityOf entity, Plan plan) {
    context.tasks.declare(description_id, method);
    context.dispatcher.add_direct(
        method, [&context, description_id = std::move(description_id), entity = std::move(entity),
                 plan = std::move(plan)](const task::Call& call) {
            task::TaskBody body = plan(call);
            task::TaskSpec spec;
            spec.description_id = description_id;
            spec.entity = entity(call);
            spec.method = call.method;
            spec.user = call.caller->user;
            spec.cancelable = true;
            spec.request = call.request;
            if (const auto* object = context.inventory.find(spec.entity)) {
                const Value& name = object->property(vim::property::ManagedEntity::name);
                if (name) spec.entity_name = name.as_string();
            }
            return Value::moref(context.tasks.start(std::move(spec), std::move(body)));
        });
}

Watch::Watch(task::Runtime& runtime, const task::TaskContextPtr& task) {
    std::stop_source source;
    control_.stop = source.get_token();
    if (task->cancelled()) source.request_stop();
    task->on_cancel([source]() mutable { source.request_stop(); });
    control_.progress = [strand = runtime.strand(), task](std::uint64_t done, std::uint64_t total) {
        if (total == 0) return;
        const double share =
            static_cast<double>(std::min(done, total)) / static_cast<double>(total);
        boost::asio::post(strand, [task, percent = static_cast<int>(share * 100)] {
            task->set_progress(percent);
        });
    };
}

}  // namespace drover::host::files
