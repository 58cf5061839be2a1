#include "client/connection.hpp"

#include <fmt/format.h>

namespace drover::client {

Connection::Connection(std::unique_ptr<Transport> transport, Protocol protocol)
    : transport_(std::move(transport)), protocol_(std::move(protocol)) {}

void Connection::negotiate() {
    protocol_.choose_release(transport_->send(protocol_.versions_request()));
}

const vim::ServiceContent& Connection::content() {
    if (!content_) {
        const vim::MoRef instance{vim::TypeId::ServiceInstance, "ServiceInstance"};
        content_ = vim::ServiceContent(call("RetrieveServiceContent", instance));
        if (!content_) throw ConnectionError("the server gave no service content");
    }
    return content_;
}

vim::UserSession Connection::login(std::string_view user, std::string_view password) {
    auto request = vim::LoginRequest::make();
    request.set_userName(user);
    request.set_password(password);
    request.set_locale("en_US");
    return vim::UserSession(
        call("Login", required(content().sessionManager(), "sessionManager"), request));
}

void Connection::logout() {
    call("Logout", required(content().sessionManager(), "sessionManager"));
    protocol_.set_cookie({});
}

vim::Value Connection::call(std::string_view method, const vim::MoRef& self,
                            const vim::Value& request,
                            std::optional<std::chrono::milliseconds> response_timeout) {
    const auto& descriptor = method_named(method);
    auto message = protocol_.encode(descriptor, self, request);
    message.response_timeout = response_timeout;
    return protocol_.decode(descriptor, transport_->send(std::move(message)));
}

vim::MoRef Connection::start(std::string_view method, const vim::MoRef& self,
                             const vim::Value& request) {
    const vim::Value task = call(method, self, request);
    if (task.kind() != vim::ValueKind::moref) {
        throw ConnectionError(fmt::format("the server gave no task for {}", method));
    }
    return task.as_moref();
}

vim::Value Connection::fetch(const vim::MoRef& object, std::string_view property) {
    return protocol_.decode_fetch(transport_->send(protocol_.encode_fetch(object, property)));
}

WireResponse Connection::send(WireRequest request) {
    if (!protocol_.cookie().empty()) request.headers.emplace_back("Cookie", protocol_.cookie());
    return transport_->send(std::move(request));
}

bool Connection::has_method(std::string_view method) const {
    return method_named(method).since() <= protocol_.release();
}

vim::MoRef required(const std::optional<vim::MoRef>& manager, std::string_view name) {
    if (manager && *manager) return *manager;
    throw vim::make_fault<vim::NotSupported>(fmt::format("This server has no {}.", name));
}

}  // namespace drover::client
