#pragma once

// One login at a host and its calls. Requests are encoded, sent and decoded on executors of their
// own; only the result comes to the caller.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "center/link/host_link.hpp"
#include "client/protocol.hpp"
#include "http/client.hpp"

namespace drover::center {

class HostSession : public std::enable_shared_from_this<HostSession> {
public:
    /// Connects, finds the release that both speak, and logs in. Throws what fault_of_connecting()
    /// understands.
    static task::Awaitable<std::shared_ptr<HostSession>> open(task::Runtime& runtime,
                                                              LinkTarget target, LinkLimits limits);
    HostSession(boost::asio::any_io_executor executor, const LinkTarget& target,
                const LinkLimits& limits);

    /// Comes back to the caller's executor. Throws the host's fault; http::ClientError and
    /// client::ConnectionError if there was no answer.
    task::Awaitable<vim::Value> call(std::string_view method, vim::MoRef self, vim::Value request,
                                     std::chrono::milliseconds limit);

    /// A call whose outcome nobody waits for. Returns at once.
    void spawn(std::string_view method, vim::MoRef self);
    /// Logs out, if the host still hears it. Returns at once.
    void close();

    const vim::ServiceContent& content() const { return content_; }
    vim::Release release() const { return protocol_.release(); }

private:
    task::Awaitable<vim::Value> exchange(const vim::MethodDescriptor* method, vim::MoRef self,
                                         vim::Value request, std::chrono::milliseconds limit);
    task::Awaitable<void> log_in(LinkTarget target, std::chrono::milliseconds limit);

    boost::asio::any_io_executor executor_;
    http::Client client_;
    client::Protocol protocol_;  // changes in log_in() only
    vim::ServiceContent content_;
};

/// The fault that says why a host could not be connected to, for what HostSession::open has thrown.
/// `host` is its name in the message.
vim::Fault fault_of_connecting(std::exception_ptr error, const std::string& host);

/// HostCommunication for what HostSession::call has thrown; faults of the host stay as they are.
vim::Fault fault_of_calling(std::exception_ptr error, const std::string& host);

/// True for the fault of a session that has ended.
bool is_logged_out(const vim::Fault& fault);

/// "10.0.0.1", "10.0.0.1:8443", "[2001:db8::1]:8443": how a host is called.
std::string display_name(const std::string& address, std::uint16_t port);

}  // namespace drover::center
