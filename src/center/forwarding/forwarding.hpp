#pragma once

// Methods of objects that live on hosts go to their host. The dispatcher has checked the caller's
// privileges; here references are translated both ways, and a host's task becomes one of the
// center's.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "center/context.hpp"
#include "center/hosts/hosts.hpp"
#include "center/mirror/mirror.hpp"
#include "task/tasks.hpp"

namespace drover::center {

/// Belongs to the strand.
class Forwarding {
public:
    Forwarding(CenterContext& context, Hosts& hosts, Mirror& mirror);
    ~Forwarding();
    Forwarding(const Forwarding&) = delete;
    Forwarding& operator=(const Forwarding&) = delete;

    /// Serves every method of mirrored objects that nobody serves yet. After all others have
    /// registered theirs.
    void serve();

    /// Whether serve() passes this method on to hosts, and nothing else of the center answers it.
    bool is_passed_on(std::string_view method) const;

    /// A method of a host's object, with the center's references in request and result. Throws the
    /// host's fault (translated), InvalidArgument for a reference to what the host does not have,
    /// HostNotConnected. What it changed is published when it returns.
    task::Awaitable<vim::Value> call(HostObject object, std::string_view method,
                                     vim::Value request = {},
                                     std::chrono::seconds limit = std::chrono::seconds{60});

    /// The same for a method that returns a task: follows it to its end; the task's result. The
    /// host's task goes on if we don't live to see it. `context` shows its progress, and passes
    /// CancelTask on; it may be null.
    task::Awaitable<vim::Value> run_task(HostObject object, std::string_view method,
                                         vim::Value request, task::TaskContextPtr context);

    /// The same with the host's own references in the request; the host's last word on its task.
    task::Awaitable<vim::TaskInfo> follow(vim::MoRef host, std::string_view method, vim::MoRef self,
                                          vim::Value request, task::TaskContextPtr context);

    /// QueryPerf of the figures that hosts keep (20 seconds, an hour), whichever hosts the entities
    /// are on; one answer for each question, in their order.
    task::Awaitable<std::vector<vim::Value>> query_perf(std::vector<vim::PerfQuerySpec> specs);

    /// A request in a host's references. Throws InvalidArgument that names the parameter.
    vim::Value to_host(const Host& host, const vim::Value& request) const;

    /// Where the object is; throws ManagedObjectNotFound, or HostNotConnected if nobody can be
    /// asked.
    HostObject home_of(const vim::MoRef& object) const;
    /// Throws HostNotConnected unless the host answers.
    static void require_connected(const Host& host);
    /// Throws the fault of an ended task, in the center's references.
    void require_success(const Host& host, const vim::TaskInfo& info) const;

    /// Where the chain of events of a host's task belongs here, and who asked for it. Kept for a
    /// while after the task has ended.
    struct Chain {
        std::int32_t id;
        std::string user;
    };
    std::optional<Chain> chain_of(const vim::MoRef& host, std::int32_t host_chain) const;

    struct Impl;  ///< private to this directory

private:
    std::unique_ptr<Impl> impl_;
};

/// TaskInfo.descriptionId of a method's tasks: "VirtualMachine.powerOn".
std::string description_of(const vim::MethodDescriptor& method);

}  // namespace drover::center
