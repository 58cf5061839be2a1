#pragma once

// OpenSSL's way to a TCP socket. Private to this library.

#include <openssl/bio.h>

#include <boost/asio/ip/tcp.hpp>

namespace drover::http {

/// Reads and writes the socket, which must not block and must outlive the BIO. Unlike OpenSSL's own
/// kind it raises no SIGPIPE, and it notices that the socket has been closed: the descriptor's
/// number may belong to another one by then. Throws std::bad_alloc. The caller owns it.
BIO* make_socket_bio(boost::asio::ip::tcp::socket& socket);

}  // namespace drover::http
