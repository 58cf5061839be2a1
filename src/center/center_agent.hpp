#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "center/config.hpp"
#include "http/message.hpp"
#include "http/tls_identity.hpp"
#include "store/store.hpp"

namespace drover::center {

/// The center: every service, put together. It needs a store, and offers a handler for HTTP
/// requests.
class CenterAgent {
public:
    struct Parts {
        Config config;
        boost::asio::any_io_executor strand;
        const base::Clock& clock;
        base::Random& random;
        store::Store& store;
    };

    explicit CenterAgent(Parts parts);
    ~CenterAgent();
    CenterAgent(const CenterAgent&) = delete;
    CenterAgent& operator=(const CenterAgent&) = delete;

    /// What shows a new certificate to connections. Before start().
    void on_certificate(std::function<void(const http::TlsIdentity&)> use_identity);

    /// What ends this process so that it is started again, after a restore. Before start().
    void on_restart(std::function<void()> restart);

    /// Reads what is stored, finishes or undoes what the last run left, and begins to serve. It
    /// waits for no host. On the strand.
    boost::asio::awaitable<void> start();

    /// Ends the connections to the hosts. On the strand.
    void stop();

    /// Any executor; only after start() has ended.
    boost::asio::awaitable<http::Response> handle(http::Request request);

    /// What it serves itself, without what it passes on to hosts, as service::served_api says it.
    /// On the strand; only after start() has ended.
    std::string served_api() const;

    /// How requests' bodies are read: uploads as streams. Any thread.
    static http::BodyPolicy body_policy(const http::Request& request);

private:
    struct Services;
    std::unique_ptr<Services> services_;
};

}  // namespace drover::center
