#pragma once

// A connection to one member of etcd, and the one transaction that is asked of it. gRPC is included
// behind this header and nowhere else.

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace drover::had {

/// PEM texts: who this host is, and whose certificates it trusts.
struct LinkIdentity {
    std::string certificate{};
    std::string key{};
    std::string authorities{};
};

struct LinkTarget {
    std::string address{};  ///< numeric; nothing is ever asked of a name service
    std::uint16_t port = 0;
};

struct KeyValue {
    std::string key{};
    std::string value{};
};

/// {if there is no value under `key`, or one less than `below`: put mine; read all from `first` up
/// to `end`}, as one transaction.
struct PutAndRead {
    std::string key{};
    std::string value{};
    std::string below{};
    std::string first{};
    std::string end{};
    std::int64_t most = 0;  ///< more values than these are an error
};
struct PutAndReadAnswer {
    bool put = false;
    std::vector<KeyValue> all{};
};

/// Why there is no answer; `is_silent`: none came in time.
struct LinkFailure {
    std::string reason{};
    bool is_silent = false;
};

/// One thread at a time.
class MemberLink {
public:
    /// Without an identity nothing is encrypted: for tests on one machine.
    MemberLink(const LinkTarget& target, const LinkIdentity* identity);
    ~MemberLink();
    MemberLink(const MemberLink&) = delete;
    MemberLink& operator=(const MemberLink&) = delete;

    /// Blocks for as long as `limit`. It may still take effect when there is no answer.
    std::expected<PutAndReadAnswer, LinkFailure> call(const PutAndRead& what,
                                                      std::chrono::milliseconds limit);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace drover::had
