#pragma once

// Methods that several kinds of objects share (Destroy_Task, Rename_Task, Reload, ...), each kind
// with an owner of its own.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "task/dispatcher.hpp"
#include "task/tasks.hpp"

namespace drover::center {

/// Belongs to the strand.
class TypedMethods {
public:
    TypedMethods(const model::Inventory& inventory, task::Dispatcher& dispatcher,
                 task::Tasks& tasks)
        : inventory_(inventory), dispatcher_(dispatcher), tasks_(tasks) {}
    TypedMethods(const TypedMethods&) = delete;
    TypedMethods& operator=(const TypedMethods&) = delete;

    /// Serves a method on objects of this type and those that derive from it; of several that fit
    /// the most derived one counts. NotSupported for objects that nobody serves it for. The same
    /// type twice is a programmer's error.
    void add(vim::TypeId type, std::string_view method, task::Handler handler);

    /// The same for a method that starts a task, as Tasks::add_method.
    void add_task(vim::TypeId type, std::string_view method, std::string description_id,
                  task::Tasks::MethodBody body, bool cancelable = false);

private:
    struct Served {
        vim::TypeId type;
        task::Handler handler;
    };

    task::Awaitable<vim::Value> invoke(const std::vector<Served>& served, task::Call call) const;

    const model::Inventory& inventory_;
    task::Dispatcher& dispatcher_;
    task::Tasks& tasks_;
    std::map<std::string, std::vector<Served>, std::less<>> methods_;
};

}  // namespace drover::center
