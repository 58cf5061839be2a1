#include "host/certificates/certificate_manager.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;
using Status = vim::HostCertificateManagerCertificateInfoCertificateStatus;

namespace {

constexpr std::chrono::seconds kLimit{30};
constexpr std::size_t kMostPemBytes = 256 << 10;

vim::Fault config_fault(std::string message) {
    return vim::make_fault<vim::HostConfigFault>(std::move(message));
}

}  // namespace

Status certificate_status(base::WallTime not_after, base::WallTime now) {
    using std::chrono::days;
    const auto left = not_after - now;
    if (left <= days(0)) return Status::expired;
    if (left <= days(7)) return Status::expirationImminent;
    if (left <= days(60)) return Status::expiringShortly;
    if (left <= days(240)) return Status::expiring;
    return Status::good;
}

Awaitable<void> CertificateManager::start() {
    try {
        identity_ = co_await context_.runtime.blocking(
            "host", [this] { return http::TlsIdentity::load(directory_); }, kLimit);
    } catch (const std::exception& error) {
        base::log_warning("the host's certificate can't be managed: {}", error.what());
        co_return;
    }
    const auto& self = references::certificate_manager;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    show();
    serve_methods();
}

Value CertificateManager::certificate_info() const {
    const auto facts = http::describe_certificate(identity_.certificate_pem);
    auto info = vim::HostCertificateManagerCertificateInfo::make();
    info.set_kind("Machine");
    info.set_issuer(facts.issuer);
    info.set_subject(facts.subject);
    info.set_notBefore(facts.not_before);
    info.set_notAfter(facts.not_after);
    info.set_status(
        vim::to_string(certificate_status(facts.not_after, context_.runtime.clock().wall_now())));
    return info.raw();
}

void CertificateManager::show() {
    model::Transaction transaction(context_.inventory);
    transaction.set_computed(references::certificate_manager,
                             vim::property::HostCertificateManager::certificateInfo,
                             [this](const model::Reader&) { return certificate_info(); });
    edit_host_config(transaction, [this](vim::HostConfigInfo& host) {
        const std::string& pem = identity_.certificate_pem;
        host.set_certificate({pem.begin(), pem.end()});
    });
    transaction.commit();
}

Awaitable<Value> CertificateManager::request(std::vector<http::NamePart> subject, bool by_address) {
    const auto& config = context_.config;
    std::vector<std::string> names;
    std::vector<std::string> addresses;
    (by_address ? addresses : names)
        .push_back(by_address ? config.management_address : config.host_name);
    std::string failure;
    try {
        const std::string pem = co_await context_.runtime.blocking(
            "host",
            [key = identity_.key_pem, subject, names, addresses] {
                return http::make_signing_request(key, subject, names, addresses);
            },
            kLimit);
        co_return Value::string(pem);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    throw config_fault(failure);
}

Awaitable<Value> CertificateManager::install(task::Call call) {
    const std::string pem(call.arguments<vim::InstallServerCertificateRequest>().cert());
    if (pem.size() > kMostPemBytes) {
        throw vim::invalid_argument("cert", "The certificate is too long.");
    }
    std::string failure;
    try {
        co_await context_.runtime.blocking(
            "host",
            [this, pem, identity = identity_, now = context_.runtime.clock().wall_now()] {
                http::check_replacement(pem, identity, now);
                http::store_certificate(directory_, pem);
            },
            kLimit);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty()) throw config_fault("The certificate was not installed: " + failure);
    identity_.certificate_pem = pem;
    if (use_identity_) use_identity_(identity_);
    base::log_info("audit: '{}' installs the certificate {}", call.caller->user,
                   identity_.thumbprint_sha256());
    model::Transaction transaction(context_.inventory);
    transaction.touch(references::certificate_manager,
                      vim::property::HostCertificateManager::certificateInfo);
    transaction.commit();
    co_return Value{};
}

void CertificateManager::serve_methods() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add(
        "GenerateCertificateSigningRequest", [this](task::Call call) -> Awaitable<Value> {
            const bool by_address = call.request.property("useIpAddressAsCommonName").as_boolean();
            const auto& config = context_.config;
            co_return co_await request(
                {{"CN", by_address ? config.management_address : config.host_name},
                 {"O", "drover"}},
                by_address);
        });
    dispatcher.add("GenerateCertificateSigningRequestByDn",
                   [this](task::Call call) -> Awaitable<Value> {
                       const auto subject = http::parse_distinguished_name(
                           call.request.property("distinguishedName").as_string());
                       if (!subject) {
                           throw vim::invalid_argument(
                               "distinguishedName", "The name must be like 'CN=host,O=Example'.");
                       }
                       co_return co_await request(*subject, false);
                   });
    dispatcher.add("InstallServerCertificate",
                   [this](task::Call call) { return install(std::move(call)); });
    // What serves the certificate has it since it was installed.
    dispatcher.add_direct("NotifyAffectedServices", [](const task::Call&) { return Value{}; });
    dispatcher.add_direct("RetrieveCertificateInfoList", [this](const task::Call&) {
        return Value::array(TypeId::HostCertificateManagerCertificateInfo, {certificate_info()});
    });
    // Clients are known by their passwords: the host trusts no authority.
    for (const std::string_view method :
         {"ListCACertificates", "ListCACertificateRevocationLists"}) {
        dispatcher.add_direct(method, [](const task::Call&) { return Value{}; });
    }
}

}  // namespace drover::host
