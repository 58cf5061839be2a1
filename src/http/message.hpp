#pragma once

#include "base/file.hpp"
#include "http/headers.hpp"
#include "http/target.hpp"
#include "http/websocket.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drover::http {

/// A body that is read piece by piece; the sender waits when nobody reads.
class BodyReader {
public:
    virtual ~BodyReader() = default;
    /// Fills at most `room` and returns how much came; 0 at the end of the body. Throws BodyError
    /// if the body is cut short, too large, broken or too slow. One read at a time.
    virtual boost::asio::awaitable<std::size_t> read(std::span<char> room) = 0;
    /// What the sender announced, before decompression; empty for chunked bodies.
    virtual std::optional<std::uint64_t> content_length() const = 0;
};

/// Why a body could not be read. `status` is the answer that fits: 400, 408, 413 or 415.
class BodyError : public std::runtime_error {
public:
    BodyError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
    int status() const { return status_; }

private:
    int status_;
};

/// The peer of a request that is being handled. Belongs to the connection's strand.
class Peer {
public:
    virtual ~Peer() = default;
    /// Calls back at most once, on the connection's strand, when nobody will read the answer any
    /// more or the server is stopping: a handler that waits for long should then end. The request
    /// itself is not cut off. An empty function takes the callback back.
    virtual void on_gone(std::function<void()> callback) = 0;
    virtual bool gone() const = 0;
};

struct Request {
    std::string method;  ///< as sent: "GET", "POST", ...
    Target target;
    Headers headers;
    int version_minor = 1;  ///< HTTP/1.x
    std::string body;       ///< decompressed; empty when the route streams
    /// Set if the route's BodyPolicy says `stream`. A handler may leave it unread.
    std::shared_ptr<BodyReader> body_reader;
    std::string remote_address;  ///< numeric
    std::uint16_t remote_port = 0;
    std::string local_address;
    std::uint16_t local_port = 0;
    bool tls = false;
    std::shared_ptr<Peer> peer;

    std::string_view header(std::string_view name) const {
        return headers.get(name).value_or(std::string_view{});
    }
    bool is_websocket_upgrade() const;
};

/// What the server may read of a request's body, decided after the header and before the body.
struct BodyPolicy {
    std::uint64_t limit_bytes = 64ull << 20;  ///< after decompression
    bool stream = false;                      ///< hand over a body_reader instead of a string
};

/// A body made piece by piece on the connection's strand. `next` returns the next piece, and an
/// empty one at the end; if it throws, the connection is cut, so that the client sees the loss.
/// Text without a length is compressed for clients that accept it.
struct StreamBody {
    std::function<boost::asio::awaitable<std::string>()> next;
    std::optional<std::uint64_t> length;  ///< empty: chunked
};

/// A piece of a file, read with pread off the network threads.
struct FileBody {
    std::shared_ptr<base::FileDescriptor> file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

using SharedText = std::shared_ptr<const std::string>;
using Body = std::variant<std::string, SharedText, std::vector<SharedText>, StreamBody, FileBody>;

/// Runs as long as the WebSocket is open; the connection is closed when it returns.
using WebSocketSession = std::function<boost::asio::awaitable<void>(std::shared_ptr<WebSocket>)>;

struct Response {
    int status = 200;
    Headers headers;
    Body body;
    bool may_compress = true;
    bool close = false;  ///< end the connection after this response
    /// Set by `upgrade`: the session that takes the connection over.
    WebSocketSession session;
    std::string subprotocol;
    std::uint64_t websocket_message_limit_bytes = 16ull << 20;

    static Response text(int status, std::string body,
                         std::string_view content_type = "text/plain; charset=utf-8");
    static Response redirect(int status, std::string_view location);
    /// Answers a WebSocket request. `subprotocol` is one of those that the request offers
    /// (see choose_subprotocol), or empty.
    static Response upgrade(WebSocketSession session, std::string subprotocol = {});
};

/// The first of `supported` that the request offers; empty if there is none.
std::string choose_subprotocol(const Request& request, std::span<const std::string_view> supported);

/// "Not Found" for 404; "Status" for codes without a name.
std::string_view reason_phrase(int status);

/// Answers with a file or, if the request has a single-range Range header, with that part of it
/// (206, 416). Sets Accept-Ranges and Content-Type. `size_bytes` is the file's.
Response file_response(const Request& request, std::shared_ptr<base::FileDescriptor> file,
                       std::uint64_t size_bytes, std::string_view content_type);

}  // namespace drover::http
