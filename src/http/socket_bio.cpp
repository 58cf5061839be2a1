#include "http/socket_bio.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <new>

namespace drover::http {
namespace {

using Socket = boost::asio::ip::tcp::socket;

// Of a socket that was closed the descriptor is -1: EBADF.
int descriptor(BIO* bio) {
    return static_cast<Socket*>(BIO_get_data(bio))->native_handle();
}

int finish(BIO* bio, ssize_t size, int retry, std::size_t* done) {
    BIO_clear_retry_flags(bio);
    if (size > 0) {
        *done = static_cast<std::size_t>(size);
        return 1;
    }
    *done = 0;
    if (size == 0) errno = 0;  // the peer has closed
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return 0;
}

int read_socket(BIO* bio, char* room, std::size_t size, std::size_t* done) {
    return finish(bio, recv(descriptor(bio), room, size, 0), BIO_FLAGS_READ, done);
}

int write_socket(BIO* bio, const char* data, std::size_t size, std::size_t* done) {
    return finish(bio, send(descriptor(bio), data, size, MSG_NOSIGNAL), BIO_FLAGS_WRITE, done);
}

// OpenSSL flushes after each flight; nothing is held back here.
long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(method, read_socket);
    BIO_meth_set_write_ex(method, write_socket);
    BIO_meth_set_ctrl(method, control);
    return method;
}

}  // namespace

BIO* make_socket_bio(Socket& socket) {
    static BIO_METHOD* const method = make_method();
    BIO* bio = BIO_new(method);
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    return bio;
}

}  // namespace drover::http
