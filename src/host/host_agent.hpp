#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "host/config.hpp"
#include "http/message.hpp"
#include "http/tls_identity.hpp"
#include "hypervisor/hypervisor.hpp"
#include "store/store.hpp"

namespace drover::host {

/// The host agent: every service of one host, put together. It needs a hypervisor and a store, and
/// offers a handler for HTTP requests.
class HostAgent {
public:
    struct Parts {
        Config config;
        boost::asio::any_io_executor strand;
        const base::Clock& clock;
        base::Random& random;
        store::Store& store;
        hypervisor::Hypervisor& hypervisor;
    };

    explicit HostAgent(Parts parts);
    ~HostAgent();
    HostAgent(const HostAgent&) = delete;
    HostAgent& operator=(const HostAgent&) = delete;

    /// Called on the strand when the host has a new certificate. Before start().
    void on_certificate(std::function<void(const http::TlsIdentity&)> use_identity);

    /// Waits for the hypervisor, finishes or undoes what the last run left, finds the machines that
    /// run, and begins to serve. On the strand.
    boost::asio::awaitable<void> start();

    /// Any executor; only after start() has ended.
    boost::asio::awaitable<http::Response> handle(http::Request request);

    /// What it serves, as service::served_api says it. On the strand; only after start() has ended.
    std::string served_api() const;

    /// How requests' bodies are read: uploads as streams. Any thread.
    static http::BodyPolicy body_policy(const http::Request& request);

private:
    struct Services;
    std::unique_ptr<Services> services_;
};

}  // namespace drover::host
