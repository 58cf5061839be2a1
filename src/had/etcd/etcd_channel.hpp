#pragma once

// The heartbeat's fast channel: etcd, on some of the hosts. A beat is one transaction, so an answer
// means that a majority of the members has it, and that what was read is the newest there is.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ha/agent/events.hpp"
#include "had/etcd/member_link.hpp"
#include "had/names.hpp"

namespace drover::had {

struct EtcdSettings {
    ha::EtcdId etcd = 0;  ///< which one it is
    std::vector<LinkTarget> members{};
    /// Where certificate.pem and key.pem of this host are; empty: nothing is encrypted (tests).
    std::filesystem::path identity{};
    std::string authorities{};  ///< the certificates of all hosts, PEM

    bool operator==(const EtcdSettings& other) const;
};

/// Any thread.
class EtcdChannel {
public:
    /// A member that has not answered by then is left for the next one.
    static constexpr std::chrono::milliseconds kAnswerLimit{500};
    /// The first time there is a connection to make, too.
    static constexpr std::chrono::milliseconds kConnectLimit{1200};

    /// `answer` is called on the channel's thread, at most once for each request, and possibly
    /// after the channel's end: it must own what it uses. So must `names`.
    EtcdChannel(std::shared_ptr<Names> names, std::function<void(ha::Event)> answer);
    /// Does not wait for what is under way.
    ~EtcdChannel();
    EtcdChannel(const EtcdChannel&) = delete;
    EtcdChannel& operator=(const EtcdChannel&) = delete;

    /// From now on this etcd; no members: none. What another one answers is dropped.
    void use(EtcdSettings settings);

    /// Sends the beat if it is meant for this etcd; does not block. While one is under way the
    /// newest waits, older ones are dropped.
    void perform(const ha::BeatEtcd& beat);

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace drover::had
