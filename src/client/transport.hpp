#pragma once

// What the client needs of a way to the server: one request, one answer. The protocol above it does
// no I/O, so that tests and coroutines can carry its messages in their own way.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drover::client {

/// A body that is too large for the memory.
struct Upload {
    std::uint64_t length_bytes = 0;
    /// The next piece; an empty one at the end. May throw, which ends the transfer.
    std::function<std::string()> next;
};

struct WireRequest {
    std::string method = "GET";
    std::string target = "/";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<Upload> upload;  ///< instead of `body`
    /// If set, the answer's body goes there in pieces and not into WireResponse::body, whatever the
    /// status. May throw, which ends the transfer.
    std::function<void(std::string_view)> sink;
    /// Instead of the transport's own; for calls that wait on purpose.
    std::optional<std::chrono::milliseconds> response_timeout;
};

struct WireResponse {
    int status = 0;
    std::string content_type;
    std::vector<std::string> set_cookie;
    std::string body;
    std::optional<std::uint64_t> content_length{};
};

/// The server could not be asked, or what answered is no vSphere API. The text says what failed
/// and, after a line break, what to try.
class ConnectionError : public std::runtime_error {
public:
    explicit ConnectionError(const std::string& what) : std::runtime_error(what) {}
    ConnectionError(const std::string& what, const std::string& advice)
        : std::runtime_error(what + "\n" + advice) {}
};

/// The server's certificate is not trusted. Nothing of the request has been sent.
class UntrustedCertificate : public ConnectionError {
public:
    UntrustedCertificate(const std::string& what, const std::string& advice, std::string sha1,
                         std::string sha256)
        : ConnectionError(what, advice), sha1_(std::move(sha1)), sha256_(std::move(sha256)) {}
    const std::string& thumbprint_sha1() const { return sha1_; }
    const std::string& thumbprint_sha256() const { return sha256_; }

private:
    std::string sha1_;
    std::string sha256_;
};

/// One server. A thread at a time.
class Transport {
public:
    virtual ~Transport() = default;
    /// Blocks. Throws ConnectionError; a status of 4xx or 5xx is an answer.
    virtual WireResponse send(WireRequest request) = 0;
};

/// Whom to believe that he is the server.
struct Trust {
    /// SHA-1 or SHA-256 of exactly the server's certificate; empty asks the system's authorities.
    std::string thumbprint;
    bool insecure = false;  ///< anyone
};

/// "host1", "host1:8443", "https://host1/sdk", "[2001:db8::1]" as a full URL that ends in the API's
/// path. Throws std::invalid_argument that says what is wrong.
std::string normalized_url(const std::string& text);

/// HTTPS with connections that are kept. `url` as normalized_url returns it.
std::unique_ptr<Transport> make_https_transport(const std::string& url, const Trust& trust);

}  // namespace drover::client
