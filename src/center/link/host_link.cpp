#include "center/link/host_link.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/link/host_session.hpp"
#include "center/link/link_body.hpp"

namespace drover::center {

using task::Awaitable;
using vim::Value;

std::string_view to_string(LinkState state) {
    switch (state) {
        case LinkState::connecting:
            return "connecting";
        case LinkState::connected:
            return "connected";
        case LinkState::not_responding:
            return "not responding";
        case LinkState::disconnected:
            return "disconnected";
        case LinkState::refused:
            return "refused";
    }
    return "unknown";
}

HostLink::HostLink(task::Runtime& runtime, LinkTarget target, LinkLimits limits)
    : body_(std::make_shared<Body>(runtime, std::move(target), limits)) {
    body_->prepare();
}

HostLink::~HostLink() {
    body_->forget_callbacks();
    body_->stop();
}

Awaitable<void> HostLink::connect() {
    return body_->connect();
}

Awaitable<Value> HostLink::call(std::string_view method, vim::MoRef self, Value request,
                                std::chrono::seconds limit) {
    return body_->call(std::string(method), std::move(self), std::move(request), limit);
}

Awaitable<vim::TaskInfo> HostLink::follow_task(vim::MoRef host_task, Progress progress) {
    return body_->tasks().follow(std::move(host_task), std::move(progress));
}

void HostLink::run() {
    body_->run();
}
void HostLink::stop() {
    body_->stop();
}
void HostLink::set_target(LinkTarget target) {
    body_->set_target(std::move(target));
}
const LinkTarget& HostLink::target() const {
    return body_->target();
}
void HostLink::on_update(Update callback) {
    body_->on_update(std::move(callback));
}
void HostLink::on_state(std::function<void(LinkState, std::string)> callback) {
    body_->on_state(std::move(callback));
}
const vim::ServiceContent& HostLink::content() const {
    return body_->content();
}
LinkState HostLink::state() const {
    return body_->state();
}
const std::string& HostLink::reason() const {
    return body_->reason();
}
const vim::LocalizedMethodFault& HostLink::fault() const {
    return body_->fault();
}

}  // namespace drover::center
