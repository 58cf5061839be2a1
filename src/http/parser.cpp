#include "http/parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace drover::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

// Beast calls these functions while it parses; we write straight into the caller's structures.
template <bool is_request>
class Callbacks final : public beast::http::basic_parser<is_request> {
public:
    MessageHead* head = nullptr;
    std::span<char> room;
    std::size_t produced = 0;
    std::size_t field_limit = 0;
    bool too_many_fields = false;

private:
    void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                         int version, error_code&) override {
        head->method = view(method);
        head->target = view(target);
        head->version_minor = version - 10;
    }
    void on_response_impl(int code, beast::string_view, int version, error_code&) override {
        head->status = code;
        head->version_minor = version - 10;
    }
    void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                       error_code& error) override {
        if (!head) return;  // trailers of a chunked body: of no use to anyone here
        if (head->headers.size() == field_limit) {
            too_many_fields = true;
            error = beast::http::error::header_limit;
            return;
        }
        head->headers.add(view(name), view(value));
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(beast::string_view data, error_code& error) override {
        const auto size = std::min(data.size(), room.size() - produced);
        if (size > 0) std::memcpy(room.data() + produced, data.data(), size);
        produced += size;
        if (size < data.size()) error = beast::http::error::need_buffer;
        return size;
    }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view data,
                                   error_code& error) override {
        return on_body_impl(data, error);
    }
    void on_finish_impl(error_code&) override {}
};

struct Failure {
    int status;
    std::string_view text;
};

Failure describe(error_code error) {
    using E = beast::http::error;
    if (error == E::header_limit) return {431, "the header is too large"};
    if (error == E::bad_version) return {505, "the HTTP version is not 1.0 or 1.1"};
    if (error == E::bad_method) return {400, "the method is malformed"};
    if (error == E::bad_target) return {400, "the request target is malformed"};
    if (error == E::bad_field) return {400, "a field name is malformed"};
    if (error == E::bad_value) return {400, "a field value is malformed"};
    if (error == E::bad_content_length || error == E::multiple_content_length)
        return {400, "Content-Length is malformed or given twice"};
    if (error == E::bad_transfer_encoding) return {400, "Transfer-Encoding is malformed"};
    if (error == E::bad_chunk || error == E::bad_chunk_extension)
        return {400, "a chunk of the body is malformed"};
    return {400, "the message is malformed"};
}

}  // namespace

// Exactly one of the two parsers is alive. Beast's can't be used twice, hence emplace().
struct MessageParser::State {
    State(Kind kind_, Limits limits_) : kind(kind_), limits(limits_) {}

    template <class Function>
    decltype(auto) with(Function function) {
        return kind == Kind::request ? function(*request) : function(*response);
    }

    Kind kind;
    Limits limits;
    std::optional<Callbacks<true>> request;
    std::optional<Callbacks<false>> response;
    std::size_t searched = 0;  // where to go on looking for the header's end
    bool stalled = false;      // the last body step could do nothing with its input
    bool closed = false;       // a body that lasts until the peer closes has ended
};

MessageParser::MessageParser(Kind kind, Limits limits)
    : state_(std::make_unique<State>(kind, limits)) {
    start();
}

MessageParser::~MessageParser() = default;

void MessageParser::start(bool without_body) {
    state_->searched = 0;
    state_->stalled = false;
    state_->closed = false;
    if (state_->kind == Kind::request)
        state_->request.emplace();
    else
        state_->response.emplace();
    state_->with([&](auto& parser) {
        parser.body_limit(boost::none);
        parser.header_limit(static_cast<std::uint32_t>(state_->limits.header_bytes));
        parser.field_limit = state_->limits.header_fields;
        parser.skip(without_body);
    });
}

MessageParser::Progress MessageParser::header(std::string_view data, MessageHead& head) {
    Progress progress;
    const auto window = data.substr(0, state_->limits.header_bytes);
    const auto end = window.find("\r\n\r\n", state_->searched);
    if (end == std::string_view::npos) {
        state_->searched = window.size() > 3 ? window.size() - 3 : 0;
        if (!window.empty() && (window[0] <= ' ' || window[0] > '~')) {
            // No HTTP at all, most likely TLS: say so now instead of waiting for a line's end.
            progress.error_status = 400;
            progress.error = "this is not HTTP";
        }
        if (data.size() >= state_->limits.header_bytes) {
            progress.error_status = 431;
            progress.error = "the header is too large";
        }
        return progress;
    }
    const auto text = data.substr(0, end + 4);
    return state_->with([&](auto& parser) {
        parser.head = &head;
        error_code error;
        try {
            progress.consumed =
                parser.put(boost::asio::const_buffer(text.data(), text.size()), error);
        } catch (const std::invalid_argument&) {
            error = beast::http::error::bad_value;  // from Headers::add
        }
        parser.head = nullptr;
        progress.complete = !error && parser.is_header_done() && progress.consumed == text.size();
        if (!progress.complete) {
            const auto failure = describe(error);
            progress.error_status = failure.status;
            progress.error = failure.text;
        }
        parser.eager(true);
        return progress;
    });
}

MessageParser::Progress MessageParser::body(std::string_view data, std::span<char> room) {
    return state_->with([&](auto& parser) {
        Progress progress;
        if (message_done()) {
            progress.complete = true;
            return progress;
        }
        // A stalled parser stands before a chunk's header. Beast asserts there that at least five
        // bytes have come ("0 CRLF CRLF"), which a peer may well send one by one.
        if (data.empty() || (state_->stalled && data.size() < 5)) return progress;
        parser.room = room;
        parser.produced = 0;
        error_code error;
        progress.consumed = parser.put(boost::asio::const_buffer(data.data(), data.size()), error);
        progress.produced = parser.produced;
        progress.complete = parser.is_done();
        state_->stalled = progress.consumed == 0 && progress.produced == 0;
        if (error && error != beast::http::error::need_more &&
            error != beast::http::error::need_buffer) {
            const auto failure = describe(error);
            progress.error_status = failure.status;
            progress.error = failure.text;
        }
        return progress;
    });
}

bool MessageParser::end_of_input() {
    return state_->with([&](auto& parser) {
        if (message_done()) return true;
        if (!parser.is_header_done() || !parser.need_eof()) return false;
        state_->closed = true;
        return true;
    });
}

bool MessageParser::message_done() const {
    return state_->closed || state_->with([](auto& parser) { return parser.is_done(); });
}

bool MessageParser::keep_alive() const {
    return state_->with([](auto& parser) { return parser.keep_alive(); });
}

bool MessageParser::chunked() const {
    return state_->with([](auto& parser) { return parser.chunked(); });
}

std::optional<std::uint64_t> MessageParser::content_length() const {
    return state_->with([](auto& parser) -> std::optional<std::uint64_t> {
        const auto length = parser.content_length();
        return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
    });
}

}  // namespace drover::http
