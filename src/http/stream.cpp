#include "http/stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>

namespace drover::http {
namespace {

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t tls_record_bytes = 16 * 1024;
constexpr std::size_t gather_limit = 16;
constexpr std::size_t write_slice_bytes = 256 * 1024;

}  // namespace

Stream::Stream(Socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Stream::expires_after(std::chrono::milliseconds time) {
    deadline_ = std::chrono::steady_clock::now() + time;
    if (deadline_ < armed_for_) arm();
}

void Stream::arm() {
    armed_for_ = deadline_;
    timer_.expires_at(deadline_);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (error || !self) return;  // re-armed, or gone
        self->armed_for_ = Time::max();
        if (self->deadline_ == Time::max()) return;
        if (std::chrono::steady_clock::now() < self->deadline_) return self->arm();
        self->timed_out_ = true;
        self->abort();
    });
}

void Stream::abort() {
    error_code ignored;
    socket_.close(ignored);
    expires_never();
}

Stream::Tls& Stream::start_tls(std::shared_ptr<asio::ssl::context> context) {
    context_ = std::move(context);
    tls_ = std::make_unique<Tls>(socket_, *context_);
    return *tls_;
}

asio::awaitable<error_code> Stream::handshake(asio::ssl::stream_base::handshake_type type) {
    const auto [error] = co_await tls_->async_handshake(type, tuple_awaitable);
    co_return translate(error);
}

asio::awaitable<std::expected<std::size_t, error_code>> Stream::read_some(
    asio::mutable_buffer room) {
    const auto [error, size] = tls_ ? co_await tls_->async_read_some(room, tuple_awaitable)
                                    : co_await socket_.async_read_some(room, tuple_awaitable);
    if (error) co_return std::unexpected(translate(error));
    co_return size;
}

// TLS sends each buffer as a record, and each record as a packet. A header and the begin of its
// body travel together.
asio::const_buffer Stream::join_small(std::span<const asio::const_buffer> buffers,
                                      std::size_t offset) {
    const auto first = buffers.front() + offset;
    if (first.size() >= tls_record_bytes || buffers.size() == 1) return first;
    scratch_.clear();
    for (const auto& buffer : buffers) {
        const auto piece = asio::buffer(buffer + (scratch_.empty() ? offset : 0),
                                        tls_record_bytes - scratch_.size());
        scratch_.append(static_cast<const char*>(piece.data()), piece.size());
        if (scratch_.size() == tls_record_bytes) break;
    }
    return asio::buffer(scratch_);
}

asio::awaitable<error_code> Stream::write(std::span<const asio::const_buffer> buffers,
                                          std::chrono::milliseconds timeout) {
    std::size_t offset = 0;  // into buffers.front()
    for (;;) {
        while (!buffers.empty() && offset >= buffers.front().size()) {
            offset -= buffers.front().size();
            buffers = buffers.subspan(1);
        }
        if (buffers.empty()) break;
        expires_after(timeout);
        error_code error;
        std::size_t size = 0;
        if (tls_) {
            std::tie(error, size) =
                co_await tls_->async_write_some(join_small(buffers, offset), tuple_awaitable);
        } else {
            std::array<asio::const_buffer, gather_limit> gathered;
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < std::min(buffers.size(), gather_limit); ++i) {
                gathered[i] =
                    asio::buffer(buffers[i] + (i == 0 ? offset : 0), write_slice_bytes - bytes);
                bytes += gathered[i].size();
            }
            std::tie(error, size) = co_await socket_.async_write_some(gathered, tuple_awaitable);
        }
        if (error) co_return translate(error);
        offset += size;
    }
    expires_never();
    co_return error_code{};
}

asio::awaitable<error_code> Stream::write(std::string_view text,
                                          std::chrono::milliseconds timeout) {
    const std::array buffers{asio::const_buffer(text.data(), text.size())};
    co_return co_await write(buffers, timeout);
}

asio::awaitable<void> Stream::close_gently(std::chrono::milliseconds limit) {
    if (!socket_.is_open()) co_return;
    expires_after(limit);
    error_code error;
    if (tls_) std::tie(error) = co_await tls_->async_shutdown(tuple_awaitable);
    if (socket_.is_open()) socket_.shutdown(Socket::shutdown_send, error);
    std::array<char, 4096> waste;
    std::size_t drained = 0;
    while (socket_.is_open() && drained < (1u << 20)) {
        const auto [failed, size] =
            co_await socket_.async_read_some(asio::buffer(waste), tuple_awaitable);
        if (failed) break;
        drained += size;
    }
    abort();
    timer_.cancel();
}

}  // namespace drover::http
