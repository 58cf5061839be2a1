#pragma once

// This host's member of etcd: a process in a session of its own, which outlives the agent. The next
// agent finds it again by what is written of it in the run directory.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "had/config.hpp"

namespace drover::had {

/// Where a member is kept, apart from what the cluster says.
struct MemberPlace {
    std::filesystem::path program;        ///< etcd
    std::filesystem::path run_directory;  ///< for the note of its process
    /// Of the datastore that all hosts see: who began there with an etcd, and has lost its data
    /// since, does not begin again.
    std::filesystem::path marks;
    std::string host;  ///< this one's UUID
    /// Understands `--member PID_FILE COMMAND...` (become_member()).
    std::filesystem::path launcher = "/proc/self/exe";
};

/// Keeps the member as it is to be, on a thread of its own. Any thread.
class EtcdMember {
public:
    explicit EtcdMember(MemberPlace place);
    /// The process runs on.
    ~EtcdMember();
    EtcdMember(const EtcdMember&) = delete;
    EtcdMember& operator=(const EtcdMember&) = delete;

    /// None, or one without this host: the member is ended and its data removed. Does not block.
    void want(std::optional<EtcdConfig> config);
    /// Whether what was wanted last is so.
    bool is_settled() const;
    /// 0: there is none.
    std::int32_t pid() const;

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace drover::had
