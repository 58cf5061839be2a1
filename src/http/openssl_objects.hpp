#pragma once

// OpenSSL's objects with owners, for what reads and makes certificates. Only for this directory's
// sources: no public header includes OpenSSL.

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/tls_context.hpp"

namespace drover::http {

template <auto function>
struct Free {
    template <class T>
    void operator()(T* pointer) const {
        function(pointer);
    }
};
/// An object of OpenSSL that frees itself.
template <class T, auto function>
using Owned = std::unique_ptr<T, Free<function>>;
using Certificate = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Memory = Owned<BIO, BIO_free_all>;

/// Throws std::runtime_error that ends with OpenSSL's own reason.
[[noreturn]] inline void fail(std::string_view what) {
    throw std::runtime_error(fmt::format("{}: {}", what, openssl_error()));
}

inline Memory memory_of(std::string_view text) {
    Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!memory) throw std::bad_alloc();
    return memory;
}

inline std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

/// Never asks at a terminal: keys are not encrypted here.
inline int no_password(char*, int, int, void*) {
    return 0;
}

}  // namespace drover::http
