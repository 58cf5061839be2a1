#include "http/certificate.hpp"

#include "base/file.hpp"
#include "http/openssl_objects.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <ctime>
#include <stdexcept>

namespace drover::http {
namespace {

constexpr std::size_t most_name_bytes = 1024;
constexpr std::array known_types{"CN", "O", "OU", "L", "ST", "C", "emailAddress"};

Certificate parse_certificate(const std::string& pem) {
    const auto memory = memory_of(pem);
    Certificate certificate(PEM_read_bio_X509(memory.get(), nullptr, no_password, nullptr));
    if (!certificate) fail("no certificate");
    return certificate;
}

Key parse_key(const std::string& pem) {
    const auto memory = memory_of(pem);
    Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr));
    if (!key) fail("no private key");
    return key;
}

std::string name_text(const X509_NAME* name) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory) throw std::bad_alloc();
    X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return text_of(memory.get());
}

base::WallTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) fail("a certificate's time");
    return base::WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string alternative_names(const std::vector<std::string>& dns_names,
                              const std::vector<std::string>& addresses) {
    std::string names;
    const auto add = [&](std::string_view kind, std::string_view value) {
        if (!names.empty()) names += ',';
        names += fmt::format("{}:{}", kind, value);
    };
    for (const auto& name : dns_names) {
        // It goes into OpenSSL's little configuration language.
        const bool plain =
            !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
            });
        if (!plain) throw std::runtime_error(fmt::format("'{}' is no host name", name));
        add("DNS", name);
    }
    for (const auto& text : addresses) {
        boost::system::error_code error;
        const auto address = boost::asio::ip::make_address(text, error);
        if (error) throw std::runtime_error(fmt::format("'{}' is no IP address", text));
        add("IP", address.to_string());
    }
    return names;
}

void add_alternative_names(X509_REQ* request, const std::string& names) {
    if (names.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, nullptr, nullptr, request, nullptr, 0);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, names.c_str());
    if (extension == nullptr) fail("alternative names");
    const auto free_all = [](STACK_OF(X509_EXTENSION) * list) {
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    };
    std::unique_ptr<STACK_OF(X509_EXTENSION), decltype(free_all)> list(sk_X509_EXTENSION_new_null(),
                                                                       free_all);
    sk_X509_EXTENSION_push(list.get(), extension);
    if (X509_REQ_add_extensions(request, list.get()) != 1) fail("alternative names");
}

}  // namespace

CertificateFacts describe_certificate(const std::string& certificate_pem) {
    const Certificate certificate = parse_certificate(certificate_pem);
    const X509* raw = certificate.get();
    return {name_text(X509_get_subject_name(raw)), name_text(X509_get_issuer_name(raw)),
            time_of(X509_get0_notBefore(raw)), time_of(X509_get0_notAfter(raw))};
}

std::optional<std::vector<NamePart>> parse_distinguished_name(std::string_view text) {
    if (text.size() > most_name_bytes) return std::nullopt;
    std::vector<NamePart> parts;
    while (true) {
        const auto comma = text.find(',');
        std::string_view part = text.substr(0, comma);
        while (part.starts_with(' ')) part.remove_prefix(1);
        const auto equals = part.find('=');
        if (equals == std::string_view::npos || equals + 1 == part.size()) return std::nullopt;
        const auto type = part.substr(0, equals);
        if (std::ranges::find(known_types, type) == known_types.end()) return std::nullopt;
        parts.push_back({std::string(type), std::string(part.substr(equals + 1))});
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    if (std::ranges::find(parts, "CN", &NamePart::type) == parts.end()) return std::nullopt;
    return parts;
}

std::string make_signing_request(const std::string& key_pem, const std::vector<NamePart>& subject,
                                 const std::vector<std::string>& dns_names,
                                 const std::vector<std::string>& addresses) {
    const Key key = parse_key(key_pem);
    const Owned<X509_REQ, X509_REQ_free> request(X509_REQ_new());
    if (!request) throw std::bad_alloc();
    X509_REQ_set_version(request.get(), 0);
    X509_NAME* name = X509_REQ_get_subject_name(request.get());
    for (const NamePart& part : subject) {
        if (X509_NAME_add_entry_by_txt(name, part.type.c_str(), MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(part.value.data()),
                                       static_cast<int>(part.value.size()), -1, 0) != 1)
            fail(fmt::format("{}={}", part.type, part.value));
    }
    add_alternative_names(request.get(), alternative_names(dns_names, addresses));
    if (X509_REQ_set_pubkey(request.get(), key.get()) != 1) fail("the request's key");
    if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) fail("signing the request");
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || PEM_write_bio_X509_REQ(memory.get(), request.get()) != 1) fail("the request");
    return text_of(memory.get());
}

void check_replacement(const std::string& certificate_pem, const TlsIdentity& identity,
                       base::WallTime now) {
    const Certificate certificate = parse_certificate(certificate_pem);
    const Key key = parse_key(identity.key_pem);
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        openssl_error();
        throw std::runtime_error("the certificate is not one for the host's key");
    }
    const auto facts = describe_certificate(certificate_pem);
    if (facts.not_after <= now) throw std::runtime_error("the certificate has expired");
    if (facts.not_before > now) throw std::runtime_error("the certificate is not valid yet");
    make_server_context({certificate_pem, identity.key_pem});  // the chain is fit to be served
}

void store_certificate(const std::filesystem::path& directory, const std::string& certificate_pem) {
    base::write_file_atomically(directory / "certificate.pem", certificate_pem, 0644);
}

}  // namespace drover::http
