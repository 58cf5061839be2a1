#pragma once

// The client's side of the conversation without any I/O: makes requests, reads answers, keeps the
// session's cookie and the release that both ends speak.

#include <string>
#include <string_view>

#include "client/transport.hpp"
#include "vim/fault.hpp"
#include "vim/value.hpp"

namespace drover::client {

/// The method of this wire name; it must exist, so a typing error in our own code aborts.
const vim::MethodDescriptor& method_named(std::string_view name);

/// One session's state. Not thread-safe; cheap to copy.
class Protocol {
public:
    /// `endpoint` is the path of the API, such as "/sdk".
    explicit Protocol(std::string endpoint = "/sdk") : endpoint_(std::move(endpoint)) {}

    /// Asks for the server's releases; its answer goes to choose_release. A server without that
    /// file is as old as VI3. Throws ConnectionError if this is no vSphere API.
    WireRequest versions_request() const;
    void choose_release(const WireResponse& response);
    vim::Release release() const { return release_; }
    void set_release(vim::Release release) { release_ = release; }

    /// `request` is an object of type method.request, or unset if there is nothing to say.
    WireRequest encode(const vim::MethodDescriptor& method, const vim::MoRef& self,
                       const vim::Value& request) const;
    /// The method's result, unset if it has none. Throws the fault that the server answered with,
    /// and ConnectionError if it is no answer of a vSphere API.
    vim::Value decode(const vim::MethodDescriptor& method, const WireResponse& response);

    /// The same for the reading of one property.
    WireRequest encode_fetch(const vim::MoRef& self, std::string_view property) const;
    vim::Value decode_fetch(const WireResponse& response);

    /// The session's cookie ("name=value"), empty without one. As secret as a password.
    const std::string& cookie() const { return cookie_; }
    void set_cookie(std::string cookie) { cookie_ = std::move(cookie); }

private:
    WireRequest request_with(std::string body) const;
    void accept(const WireResponse& response);

    std::string endpoint_;
    std::string cookie_;
    vim::Release release_ = vim::newest_release();
};

}  // namespace drover::client
