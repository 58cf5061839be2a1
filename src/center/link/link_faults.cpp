#include <fmt/format.h>

#include "center/link/host_session.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {

namespace {

std::string first_line(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

vim::Fault no_host(const std::string& host, const std::string& why) {
    auto fault = vim::NoHost::make();
    fault.set_name(host);
    return vim::Fault(fault, fmt::format("The host {} can't be reached: {}.", host, why));
}

vim::Fault unverified(const http::CertificateError& error, const std::string& host) {
    auto fault = vim::SSLVerifyFault::make();
    fault.set_selfSigned(true);  // whoever signed it: it is to be pinned
    fault.set_thumbprint(error.thumbprint_sha1());
    return vim::Fault(
        fault, fmt::format("The certificate of {} is not the expected one. It has the thumbprint "
                           "{}.",
                           host, error.thumbprint_sha1()));
}

vim::Fault connect_fault(const std::string& host, const std::string& why) {
    return vim::make_fault<vim::HostConnectFault>(
        fmt::format("The host {} can't be connected: {}.", host, why));
}

}  // namespace

vim::Fault fault_of_connecting(std::exception_ptr error, const std::string& host) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const http::CertificateError& refused) {
        return unverified(refused, host);
    } catch (const http::ClientError& failure) {
        using Kind = http::ClientError::Kind;
        const bool is_absent = failure.kind() == Kind::connect || failure.kind() == Kind::timeout;
        return is_absent ? no_host(host, failure.what()) : connect_fault(host, failure.what());
    } catch (const std::exception& failure) {
        return connect_fault(host, first_line(failure.what()));
    }
}

vim::Fault fault_of_calling(std::exception_ptr error, const std::string& host) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const std::exception& failure) {
        return vim::make_fault<vim::HostCommunication>(
            fmt::format("No answer from the host {}: {}.", host, first_line(failure.what())));
    }
}

bool is_logged_out(const vim::Fault& fault) {
    return fault.fault().is<vim::NotAuthenticated>();
}

std::string display_name(const std::string& address, std::uint16_t port) {
    if (port == 443) return address;
    return address.contains(':') ? fmt::format("[{}]:{}", address, port)
                                 : fmt::format("{}:{}", address, port);
}

}  // namespace drover::center
