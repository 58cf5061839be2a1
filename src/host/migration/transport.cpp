#include "host/migration/transport.hpp"

#include <filesystem>

#include "vim/fault.hpp"

namespace drover::host {

namespace {

class RelayedWay final : public MigrationTransport::Way {
public:
    RelayedWay(const boost::asio::any_io_executor& executor, const std::filesystem::path& directory,
               PeerRelay::Target target)
        : relay_(executor, directory, std::move(target)) {}
    std::string socket() const override { return relay_.socket(); }

private:
    PeerRelay relay_;
};

std::unique_ptr<MigrationIdentity> open_identity(const HostContext& context) {
    std::filesystem::path directory = context.config.migration_identity_directory;
    if (directory.empty()) {
        directory = context.config.state_directory;
        directory += "-migration";
        // Left out by whoever set the host up: then there is no migration.
        if (!std::filesystem::is_directory(directory)) return nullptr;
    }
    return std::make_unique<MigrationIdentity>(directory, context.host_uuid,
                                               context.runtime.clock().wall_now());
}

}  // namespace

PeerTransport::PeerTransport(const HostContext& context,
                             std::function<bool(const std::string&)> admits)
    : context_(context),
      identity_(open_identity(context)),
      endpoint_(context.runtime.strand(), context.hypervisor.migration_socket(),
                std::move(admits)) {
    namespace fs = std::filesystem;
    fs::create_directories(relays());
    fs::permissions(relays(), fs::perms::owner_all);
    PeerRelay::clear(relays());
}

PeerTransport::~PeerTransport() = default;

std::filesystem::path PeerTransport::relays() const {
    return context_.config.state_directory / "relays";
}

MigrationTransport PeerTransport::functions() {
    MigrationTransport made;
    made.own_ca = [this] { return identity_ ? identity_->authority() : std::string(); };
    made.tls_name = [this] { return identity_ ? identity_->name() : std::string(); };
    made.trust = [this](const std::string& key, const std::string& ca) {
        if (identity_ && !ca.empty()) identity_->trust(key, ca);
    };
    made.forget = [this](const std::string& key) {
        if (identity_) identity_->forget(key);
    };
    made.open_way = [this](const std::string& url, const std::string& thumbprint,
                           const std::string& ticket) {
        return std::make_shared<RelayedWay>(context_.runtime.strand(), relays(),
                                            PeerRelay::Target{url, thumbprint, ticket});
    };
    made.close_ways = [this](const std::string& ticket) { endpoint_.close(ticket); };
    return made;
}

task::Awaitable<http::Response> PeerTransport::handle(http::Request request) {
    co_return co_await endpoint_.handle(std::move(request));
}

}  // namespace drover::host
