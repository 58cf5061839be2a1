#pragma once

// From a decoded request to the code that serves it. Every method of the interface goes through
// invoke(): the object must exist, the method must be one of its type, the caller must be logged in
// and hold the method's privilege, and those that the schema asks for on objects which parameters
// name. Handlers run on the strand.

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/inventory.hpp"
#include "task/runtime.hpp"
#include "vim/fault.hpp"

namespace drover::model {
class Gathered;
}

namespace drover::task {

/// Who calls. The host and the center keep their own kind of session behind it.
struct Caller {
    std::string session_key;  ///< empty: not logged in
    std::string user;
    std::string remote_address;
    std::string user_agent;
    vim::Release release = vim::Release::oldest;
    /// Set by methods that start or end a session, for the endpoint that carries the cookie.
    std::string new_cookie;
    bool session_ended = false;
    /// Set by methods whose answer needs nothing of the strand any more: makes the result from what
    /// was gathered there. The endpoint calls it on the connection's executor, and it must not
    /// throw.
    std::function<vim::Value()> finish;
    /// The executor of the client's connection, and a way to learn on the strand that nobody waits
    /// for the answer any more: when_gone(connection, callback).
    boost::asio::any_io_executor connection;
    std::function<void(boost::asio::any_io_executor, std::function<void()>)> when_gone;
    /// Set beside `finish` by methods that retrieve properties, for endpoints that can write the
    /// answer object by object.
    std::shared_ptr<const model::Gathered> gathered;
};

/// One method call while it is served.
struct Call {
    vim::MoRef self;
    const vim::MethodDescriptor* method = nullptr;
    vim::Value request;  ///< of the type method->request, complete as the schema demands
    std::shared_ptr<Caller> caller;

    /// The parameters, as the generated request class.
    template <class Request>
    Request arguments() const {
        return Request(request);
    }
};

using Handler = std::function<Awaitable<vim::Value>(Call)>;

/// Whether a caller holds a privilege on an object.
using PrivilegeCheck = std::function<bool(const Caller&, const vim::MoRef&, std::string_view)>;

/// A privilege that a call takes on an object.
struct Requirement {
    vim::MoRef object;
    std::string_view privilege;

    friend bool operator==(const Requirement&, const Requirement&) = default;
};

/// What a call takes beyond what the schema says.
using Requirements = std::function<std::vector<Requirement>(const Call&)>;

class Dispatcher {
public:
    Dispatcher(const model::Inventory& inventory, PrivilegeCheck may);

    /// Asked for each call that passed the schema's own checks. Replaces the one before.
    void also_require(Requirements requirements) { requirements_ = std::move(requirements); }

    /// Serves a method, by its wire name. Each has one handler; an unknown name aborts.
    void add(std::string_view method, Handler handler);
    /// For methods that neither wait nor block.
    void add_direct(std::string_view method, std::function<vim::Value(const Call&)> handler);

    /// Puts something around the handler of a method; no effect if it is not served (yet).
    void decorate(std::string_view method, const std::function<Handler(Handler)>& around);

    bool serves(const vim::MethodDescriptor& method) const;

    /// Runs a call. Throws vim::Fault. On the strand.
    Awaitable<vim::Value> invoke(Call call) const;

    /// The checks of invoke() that do not depend on the method's handler.
    void check(const Call& call) const;

private:
    void check_parameters(const Call& call) const;
    void require(const Call& call, const vim::MoRef& object, std::string_view privilege) const;

    const model::Inventory& inventory_;
    PrivilegeCheck may_;
    Requirements requirements_;
    std::unordered_map<const vim::MethodDescriptor*, Handler> handlers_;
};

}  // namespace drover::task
