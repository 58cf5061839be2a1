#include <fmt/format.h>

#include <charconv>

#include "client/transport.hpp"
#include "http/client.hpp"

namespace drover::client {
namespace {

http::Url parse_url(const std::string& text) {
    auto url = http::Url::parse(text);
    if (!url) throw std::invalid_argument(fmt::format("\"{}\" is no URL: {}", text, url.error()));
    return *url;
}

http::ClientOptions options_for(const Trust& trust) {
    http::ClientOptions options;
    options.idle_connections = 1;
    if (trust.insecure) {
        options.verification = http::Verification::insecure();
    } else if (!trust.thumbprint.empty()) {
        options.verification = http::Verification::pinned(trust.thumbprint);
    }
    return options;
}

std::string advice_for(http::ClientError::Kind kind) {
    using Kind = http::ClientError::Kind;
    switch (kind) {
        case Kind::connect:
            return "Check the address and the port, and that the server runs and can be reached.";
        case Kind::tls:
            return "Check that this port speaks HTTPS.";
        case Kind::timeout:
            return "The server may be overloaded or cut off; try again.";
        case Kind::protocol:
            return "Check that this is the address of a vSphere API.";
        case Kind::closed:
            return "The server may be restarting; try again in a moment.";
        case Kind::too_large:
            return "Ask for less at once.";
    }
    return "Try again.";
}

http::StreamBody stream_of(Upload upload) {
    http::StreamBody body;
    body.length = upload.length_bytes;
    body.next = [next = std::move(upload.next)]() -> boost::asio::awaitable<std::string> {
        co_return next();
    };
    return body;
}

class HttpsTransport final : public Transport {
public:
    HttpsTransport(const http::Url& url, const Trust& trust)
        : server_(url.authority()),
          pinned_(!trust.thumbprint.empty()),
          client_(url, options_for(trust)) {}

    WireResponse send(WireRequest request) override {
        http::ClientRequest out;
        out.method = std::move(request.method);
        out.target = std::move(request.target);
        out.body = std::move(request.body);
        out.response_timeout = request.response_timeout;
        for (const auto& [name, value] : request.headers) out.headers.set(name, value);
        if (request.upload) out.stream = stream_of(std::move(*request.upload));
        try {
            auto in = request.sink ? client_.send(std::move(out), std::move(request.sink))
                                   : client_.send(std::move(out));
            WireResponse response;
            response.status = in.status;
            response.body = std::move(in.body);
            response.content_type = in.headers.get("Content-Type").value_or("");
            if (const auto length = in.headers.get("Content-Length")) {
                std::uint64_t bytes = 0;
                const auto end = length->data() + length->size();
                if (std::from_chars(length->data(), end, bytes).ptr == end) {
                    response.content_length = bytes;
                }
            }
            for (const auto cookie : in.headers.get_all("Set-Cookie")) {
                response.set_cookie.emplace_back(cookie);
            }
            return response;
        } catch (const http::CertificateError& error) {
            throw UntrustedCertificate(error.what(), certificate_advice(error),
                                       error.thumbprint_sha1(), error.thumbprint_sha256());
        } catch (const http::ClientError& error) {
            throw ConnectionError(fmt::format("{}: {}", server_, error.what()),
                                  advice_for(error.kind()));
        }
    }

private:
    std::string certificate_advice(const http::CertificateError& error) const {
        if (pinned_) {
            return fmt::format(
                "Somebody may be in between. If the server really has a new certificate, log in "
                "again with --thumbprint {}",
                error.thumbprint_sha256());
        }
        return fmt::format("If that is the server's own, say so with --thumbprint {}",
                           error.thumbprint_sha256());
    }

    std::string server_;
    bool pinned_;
    http::SyncClient client_;
};

}  // namespace

std::string normalized_url(const std::string& text) {
    if (text.empty()) throw std::invalid_argument("the URL is empty");
    http::Url url = parse_url(text.contains("://") ? text : "https://" + text);
    if (!url.tls || (text.contains("://") && !text.starts_with("https://"))) {
        throw std::invalid_argument(
            fmt::format("\"{}\" is no https URL: a password would be readable on the way", text));
    }
    while (url.target.ends_with('/')) url.target.pop_back();
    if (url.target.empty()) url.target = "/sdk";
    return fmt::format("https://{}{}", url.authority(), url.target);
}

std::unique_ptr<Transport> make_https_transport(const std::string& url, const Trust& trust) {
    return std::make_unique<HttpsTransport>(parse_url(url), trust);
}

}  // namespace drover::client
