#pragma once

// HostCertificateManager "ha-certificate-manager".

#include <filesystem>
#include <functional>

#include "host/context.hpp"
#include "http/certificate.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// Called on the strand with the identity that new connections shall see.
using UseIdentity = std::function<void(const http::TlsIdentity&)>;

/// Belongs to the strand.
class CertificateManager {
public:
    /// The identity is in `directory` (see http::TlsIdentity).
    CertificateManager(const HostContext& context, std::filesystem::path directory,
                       UseIdentity use_identity)
        : context_(context),
          directory_(std::move(directory)),
          use_identity_(std::move(use_identity)) {}

    /// Reads the certificate, makes the managed object and serves it; does nothing where there is
    /// no identity.
    task::Awaitable<void> start();

private:
    void serve_methods();
    void show();
    vim::Value certificate_info() const;
    task::Awaitable<vim::Value> request(std::vector<http::NamePart> subject, bool by_address);
    task::Awaitable<vim::Value> install(task::Call call);

    const HostContext& context_;
    const std::filesystem::path directory_;
    const UseIdentity use_identity_;
    http::TlsIdentity identity_;
};

/// How close a certificate is to its end.
vim::HostCertificateManagerCertificateInfoCertificateStatus certificate_status(
    base::WallTime not_after, base::WallTime now);

}  // namespace drover::host
