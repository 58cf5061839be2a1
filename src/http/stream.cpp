#include "http/stream.hpp"

#include "http/socket_bio.hpp"

#include <openssl/err.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

namespace drover::http {
namespace {

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t tls_record_bytes = 16 * 1024;
constexpr std::size_t gather_limit = 16;
constexpr std::size_t write_slice_bytes = 256 * 1024;
constexpr std::size_t bytes_without_pause = 256 * 1024;

// Why a call of OpenSSL failed for good. `reason` is what SSL_get_error said.
error_code tls_error(int reason, int system_error) {
    if (reason == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
    if (const unsigned long code = ERR_get_error())
        return {static_cast<int>(code), asio::error::get_ssl_category()};
    if (system_error != 0) return {system_error, boost::system::system_category()};
    return asio::ssl::error::stream_truncated;
}

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

SSL* Stream::start_tls(std::shared_ptr<asio::ssl::context> context) {
    error_code ignored;  // of a closed socket: the handshake will tell
    socket_.native_non_blocking(true, ignored);
    context_ = std::move(context);
    tls_.reset(SSL_new(context_->native_handle()));
    if (!tls_) throw std::bad_alloc();
    BIO* const bio = make_socket_bio(socket_);
    SSL_set_bio(tls_.get(), bio, bio);  // owns it from here
    SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_set_read_ahead(tls_.get(), 1);  // a record's header and the rest of it in one call
    return tls_.get();
}

template <class Call>
asio::awaitable<error_code> Stream::drive(Call call) {
    for (;;) {
        // After a wait the stream may have been given up, and with it the buffers of the call.
        if (!socket_.is_open()) co_return translate(asio::error::operation_aborted);
        ERR_clear_error();
        errno = 0;
        const int result = call(tls_.get());
        if (result == 1) co_return error_code{};
        const int system_error = errno;
        const int reason = SSL_get_error(tls_.get(), result);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            co_return tls_error(reason, system_error);
        const auto [error] = co_await socket_.async_wait(
            reason == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write,
            tuple_awaitable);
        since_pause_bytes_ = 0;
        if (error) co_return translate(error);
    }
}

asio::awaitable<error_code> Stream::handshake(Role role) {
    co_return co_await drive(
        [role](SSL* tls) { return role == Role::server ? SSL_accept(tls) : SSL_connect(tls); });
}

bool Stream::greedy(std::size_t size) {
    since_pause_bytes_ += size;
    if (since_pause_bytes_ < bytes_without_pause) return false;
    since_pause_bytes_ = 0;
    return true;
}

asio::awaitable<std::expected<std::size_t, error_code>> Stream::read_some(
    asio::mutable_buffer room) {
    error_code error;
    std::size_t size = 0;
    if (tls_) {
        if (std::exchange(awaits_peer_, false) && !SSL_has_pending(tls_.get())) {
            std::tie(error) = co_await socket_.async_wait(Socket::wait_read, tuple_awaitable);
            since_pause_bytes_ = 0;
        }
        if (!error)
            error = co_await drive([room, &size](SSL* tls) {
                return SSL_read_ex(tls, room.data(), room.size(), &size);
            });
        if (!error && greedy(size)) co_await asio::post(executor(), tuple_awaitable);
    } else {
        std::tie(error, size) = co_await socket_.async_read_some(room, tuple_awaitable);
    }
    if (error) co_return std::unexpected(translate(error));
    co_return size;
}

asio::awaitable<std::expected<std::size_t, error_code>> Stream::write_some(
    asio::const_buffer data) {
    error_code error;
    std::size_t size = 0;
    if (tls_ && data.size() > 0) {
        error = co_await drive(
            [data, &size](SSL* tls) { return SSL_write_ex(tls, data.data(), data.size(), &size); });
        awaits_peer_ = true;
        if (!error && greedy(size)) co_await asio::post(executor(), tuple_awaitable);
    } else {
        std::tie(error, size) = co_await socket_.async_write_some(data, tuple_awaitable);
    }
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
            const auto written = co_await write_some(join_small(buffers, offset));
            if (!written) co_return written.error();
            size = *written;
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
    if (tls_)  // says goodbye, and does not wait for the peer's own
        error = co_await drive([](SSL* tls) {
            const int result = SSL_shutdown(tls);
            return result == 0 ? 1 : result;
        });
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
