#pragma once

// One connection to one host, over the same API as everybody else's. It knows nothing of the
// inventory: it hands out what the host says, and says whether the host still answers.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "task/runtime.hpp"
#include "vim/fault.hpp"
#include "vim/types.hpp"

namespace drover::center {

enum class LinkState {
    connecting,      ///< run() was called; nothing is known yet
    connected,       ///< answers, and its picture is whole
    not_responding,  ///< silent for longer than LinkLimits::silence
    disconnected,    ///< never run, or stopped
    refused,         ///< credentials or certificate no longer accepted; tried again all the same
};

std::string_view to_string(LinkState state);

/// Where the host is and who we are to it. As secret as a password.
struct LinkTarget {
    std::string address;  ///< a name or a numeric address (IPv6 without brackets)
    std::uint16_t port = 443;
    std::string thumbprint_sha256;  ///< of the one certificate that is accepted; SHA-1 will do too
    std::string user, password;
};

/// How patient a link is. The sum of ping and silence bounds what the world sees: states are true
/// within 3 s.
struct LinkLimits {
    std::chrono::milliseconds ping{1'000};            ///< from one to the next
    std::chrono::milliseconds silence{2'500};         ///< without any answer: not responding
    std::chrono::milliseconds connect{5'000};         ///< name, TCP, TLS and log in, each
    std::chrono::milliseconds first_picture{60'000};  ///< for the answer with all objects
    std::chrono::milliseconds first_pause{250};       ///< before connecting anew; doubles
    std::chrono::milliseconds longest_pause{1'500};
    std::chrono::seconds poll{20};  ///< one long poll
};

/// Belongs to the strand; its network I/O and all decoding happen off it. May be destroyed while
/// calls are under way: they end with HostNotConnected.
class HostLink {
public:
    using Update = std::function<void(const vim::PropertyFilterUpdate&, bool is_first)>;
    using Progress = std::function<void(const vim::TaskInfo&)>;

    HostLink(task::Runtime& runtime, LinkTarget target, LinkLimits limits = {});
    ~HostLink();
    HostLink(const HostLink&) = delete;
    HostLink& operator=(const HostLink&) = delete;

    /// One attempt to log in, for whoever wants to know why it fails: SSLVerifyFault (with the
    /// thumbprint), InvalidLogin, NoHost, HostConnectFault. Afterwards call() and content() work;
    /// run() goes on with the same session.
    task::Awaitable<void> connect();

    /// A method of the host's, with the host's own references; `request` is of the method's request
    /// type, or unset. Throws the host's fault, HostNotConnected if there is no session, and
    /// HostCommunication if no answer came: then nobody knows whether the call had an effect.
    task::Awaitable<vim::Value> call(std::string_view method, vim::MoRef self,
                                     vim::Value request = {},
                                     std::chrono::seconds limit = std::chrono::seconds{60});

    /// Waits for the end of a task of the host and returns its last TaskInfo, of state success or
    /// error. `progress` is told each change on the way. Outlives lost connections; throws
    /// HostCommunication if the host came back without the task (it was restarted), and
    /// HostNotConnected if the link is stopped.
    task::Awaitable<vim::TaskInfo> follow_task(vim::MoRef host_task, Progress progress = {});

    /// Keeps itself connected from now on until stop(): update stream, pings, reconnection.
    void run();
    /// Logs out in the background. No callback comes after this; run() begins anew.
    void stop();

    /// Other credentials, address or certificate from the next run() or connect() on.
    void set_target(LinkTarget target);
    const LinkTarget& target() const;

    /// What changed on the host: all entities with all their properties, the managers of its
    /// configManager, browsers, and the service's managers (but sessions, tasks and events). In
    /// order, on the strand, a whole picture first (is_first), and again after each reconnection;
    /// a picture comes before the state `connected`. `filter` is the host's and means nothing here.
    void on_update(Update callback);
    /// Each change of state, with the reason in words where there is one.
    void on_state(std::function<void(LinkState, std::string reason)> callback);

    /// What the host said when we logged in; an unset handle before.
    const vim::ServiceContent& content() const;
    LinkState state() const;
    /// Why the state is what it is; empty while all is well.
    const std::string& reason() const;
    /// The fault that belongs to `reason` if the state is refused or not_responding.
    const vim::LocalizedMethodFault& fault() const;

private:
    class Body;
    std::shared_ptr<Body> body_;
};

}  // namespace drover::center
