#include "center/link/link_body.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {

using task::Awaitable;
using vim::Value;

void HostLink::Body::prepare() {
    tasks_ = std::make_shared<TaskWatch>(
        runtime_.strand(), [weak = weak_from_this()](vim::MoRef task) -> Awaitable<vim::TaskInfo> {
            const auto body = weak.lock();
            if (!body) co_return vim::TaskInfo{};
            co_return co_await body->fetch_task(std::move(task));
        });
}

Awaitable<void> HostLink::Body::connect() {
    const auto keep = shared_from_this();
    const std::uint64_t run = run_;
    std::shared_ptr<HostSession> session;
    std::exception_ptr failure;
    try {
        session = co_await HostSession::open(runtime_, target_, limits_);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) throw fault_of_connecting(failure, name());
    if (!is_running(run)) {  // stopped meanwhile
        session->close();
        throw vim::make_fault<vim::HostNotConnected>("The connection was given up.");
    }
    drop_session();
    session_ = std::move(session);
    content_ = session_->content();
    heard();
}

Awaitable<Value> HostLink::Body::call(std::string method, vim::MoRef self, Value request,
                                      std::chrono::milliseconds limit) {
    const auto keep = shared_from_this();
    const auto session = session_;
    if (!session || (runs_ && state_ != LinkState::connected && state_ != LinkState::connecting)) {
        throw vim::make_fault<vim::HostNotConnected>(
            fmt::format("The host {} is {}{}{}", name(), to_string(state_),
                        reason_.empty() ? "." : ": ", reason_));
    }
    std::exception_ptr failure;
    try {
        Value result = co_await session->call(method, std::move(self), std::move(request), limit);
        heard();
        co_return result;
    } catch (...) {
        failure = std::current_exception();
    }
    const vim::Fault fault = fault_of_calling(failure, name());
    if (!is_logged_out(fault)) throw fault;
    if (session == session_) session_ = nullptr;  // the next ping logs in anew
    throw vim::make_fault<vim::HostNotConnected>(
        fmt::format("The host {} has ended our session; nothing was done.", name()));
}

Awaitable<vim::TaskInfo> HostLink::Body::fetch_task(vim::MoRef task) {
    auto properties = vim::PropertySpec::make();
    properties.set_type("Task");
    properties.set_pathSet({"info"});
    auto object = vim::ObjectSpec::make();
    object.set_obj(task);
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet({properties});
    spec.set_objectSet({object});
    auto request = vim::RetrievePropertiesExRequest::make();
    request.set_specSet({spec});
    request.set_options(vim::RetrieveOptions::make());
    const Value answer = co_await call("RetrievePropertiesEx", content_.propertyCollector(),
                                       request, std::chrono::seconds{30});
    if (answer.type() != vim::TypeId::RetrieveResult) co_return vim::TaskInfo{};
    for (const auto& content : vim::RetrieveResult(answer).objects()) {
        for (const auto& property : content.propSet()) {
            if (property.val().type() == vim::TypeId::TaskInfo) {
                co_return vim::TaskInfo(property.val());
            }
        }
    }
    co_return vim::TaskInfo{};
}

void HostLink::Body::heard() {
    last_heard_ = runtime_.clock().steady_now();
}

void HostLink::Body::drop_session() {
    if (session_) session_->close();
    session_ = nullptr;
}

void HostLink::Body::set_target(LinkTarget target) {
    target_ = std::move(target);
    drop_session();
}

void HostLink::Body::set_state(LinkState state, std::string reason, const vim::Fault* fault) {
    reason_ = std::move(reason);
    fault_ = fault != nullptr ? fault->localized() : vim::LocalizedMethodFault{};
    if (state == state_) return;
    base::log_info("host {}: {}{}{}", name(), to_string(state), reason_.empty() ? "" : ": ",
                   reason_);
    state_ = state;
    const auto callbacks = states_;
    for (const auto& callback : callbacks) callback(state, reason_);
}

void HostLink::Body::tell_update(const vim::PropertyFilterUpdate& update, bool is_first) {
    const auto callbacks = updates_;
    for (const auto& callback : callbacks) {
        try {
            callback(update, is_first);
        } catch (const std::exception& error) {
            base::log_error("host {}: an update was not understood: {}", name(), error.what());
        }
    }
}

void HostLink::Body::run() {
    if (runs_) return;
    runs_ = true;
    ++run_;
    heard();
    tasks_->start();
    set_state(LinkState::connecting);
    const auto keep = [](std::shared_ptr<Body> body, std::uint64_t run) -> Awaitable<void> {
        co_await body->supervise(run);
    };
    const auto watch = [](std::shared_ptr<Body> body, std::uint64_t run) -> Awaitable<void> {
        co_await body->watch_silence(run);
    };
    runtime_.spawn("link to " + name(), keep(shared_from_this(), run_));
    runtime_.spawn("link to " + name(), watch(shared_from_this(), run_));
}

void HostLink::Body::stop() {
    ++run_;
    runs_ = false;
    if (followed_) followed_->over = true;
    followed_ = nullptr;
    drop_session();
    tasks_->stop("the host was disconnected");
    set_state(LinkState::disconnected);
}

}  // namespace drover::center
