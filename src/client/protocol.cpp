#include "client/protocol.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "client/service_versions.hpp"
#include "vim/soap.hpp"

namespace drover::client {
namespace {

constexpr std::string_view kSessionCookie = "vmware_soap_session=";
constexpr std::string_view kNotTheApi = "Check that this is the address of a vSphere API.";
constexpr std::string_view kOldestRelease = "2.5";
constexpr std::size_t kMaxVersionsBytes = 1 << 20;

}  // namespace

const vim::MethodDescriptor& method_named(std::string_view name) {
    const auto* method = vim::find_method(name);
    DROVER_CHECK(method != nullptr);
    return *method;
}

WireRequest Protocol::versions_request() const {
    WireRequest request;
    request.target = endpoint_ + "/vimServiceVersions.xml";
    return request;
}

void Protocol::choose_release(const WireResponse& response) {
    if (response.status == 404) {
        release_ = vim::find_release(kOldestRelease).value_or(vim::Release::oldest);
        return;
    }
    if (response.status != 200) {
        throw ConnectionError(
            fmt::format("the server answered HTTP {} when asked for its releases", response.status),
            response.status == 503 ? "It is starting; try again in a moment."
                                   : std::string(kNotTheApi));
    }
    if (response.body.size() > kMaxVersionsBytes) {
        throw ConnectionError("the server's list of releases is too long", std::string(kNotTheApi));
    }
    const auto chosen = client::choose_release(response.body);
    if (!chosen) {
        throw ConnectionError("the server names no release of the vSphere API that we speak",
                              std::string(kNotTheApi));
    }
    release_ = *chosen;
}

WireRequest Protocol::request_with(std::string body) const {
    WireRequest request;
    request.method = "POST";
    request.target = endpoint_;
    request.headers = {{"Content-Type", "text/xml; charset=utf-8"},
                       {"SOAPAction", vim::soap_action(release_)},
                       {"User-Agent", "drover"}};
    if (!cookie_.empty()) request.headers.emplace_back("Cookie", cookie_);
    request.body = std::move(body);
    return request;
}

WireRequest Protocol::encode(const vim::MethodDescriptor& method, const vim::MoRef& self,
                             const vim::Value& request) const {
    return request_with(vim::encode_soap_request(method, self, request, release_));
}

WireRequest Protocol::encode_fetch(const vim::MoRef& self, std::string_view property) const {
    return request_with(vim::encode_soap_fetch_request(self, property));
}

// Keeps a new cookie, and refuses what no vSphere API would answer.
void Protocol::accept(const WireResponse& response) {
    for (const std::string& cookie : response.set_cookie) {
        if (!cookie.starts_with(kSessionCookie) || cookie.size() > 4096) continue;
        cookie_ = cookie.substr(0, cookie.find(';'));
    }
    const bool xml = response.content_type.contains("xml");
    if (xml && (response.status == 200 || response.status == 500)) return;
    throw ConnectionError(
        fmt::format("the server answered HTTP {} ({})", response.status,
                    response.content_type.empty() ? "no content" : response.content_type),
        response.status == 503 ? "It is starting or overloaded; try again in a moment."
                               : std::string(kNotTheApi));
}

vim::Value Protocol::decode(const vim::MethodDescriptor& method, const WireResponse& response) {
    accept(response);
    return vim::decode_soap_response(method, response.body);
}

vim::Value Protocol::decode_fetch(const WireResponse& response) {
    accept(response);
    return vim::decode_soap_fetch_response(response.body);
}

}  // namespace drover::client
