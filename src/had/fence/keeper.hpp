#pragma once

// Keeps the deadline for real: looks at the machines' processes, asks ha::Fencer what the moment
// demands, and brings every process to where its state says it should be. Nothing that was to be
// done is lost when this process dies in between, for it follows from the state: whoever ticks next
// does it.
//
//   running, not told yet -> cont       pausing, paused, given -> stop       killed -> SIGKILL
//
// The fencer's process ticks; while it is dead, the agent's does.

#include <poll.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ha/fence/fencer.hpp"
#include "had/fence/process.hpp"
#include "had/fence/qmp.hpp"
#include "had/fence/shared_state.hpp"

namespace drover::had {

struct KeeperSettings {
    std::filesystem::path monitors;    ///< where machines' monitors are, as <uuid>.qmp
    std::vector<std::string> reset{};  ///< a command; empty: reboot(2)
    std::filesystem::path watchdog{};  ///< empty: there is none
    ha::Timing timing{};
};

class Keeper {
public:
    Keeper(SharedState& shared, KeeperSettings settings);

    /// To be called whenever a descriptor is ready, and after so long. Does not wait.
    ha::Duration tick();
    /// What to wait for, besides.
    std::vector<pollfd> descriptors() const;
    /// Nothing is protected any more: the watchdog must not reset the host when nobody pets it.
    void put_watchdog_away();

private:
    struct Link {
        std::optional<QmpConnection> monitor{};
        Process process{};
        bool has_moved = false;               ///< as it was last heard, by this keeper
        std::optional<ha::Time> run_again{};  ///< it refused to run: when it is told again
    };
    void look(SharedImage& image);
    void look_at(SharedMachine& machine, Link& link);
    void connect(SharedMachine& machine, Link& link);
    ha::Observation observe(ha::MachineId id, const SharedMachine& machine, const Link& link);
    void end_strays(const SharedImage& image, ha::Time now);
    void end_what_runs_by_itself(SharedImage& image, ha::Time now);
    void act(SharedImage& image);
    static void run_again(SharedMachine& machine, Link& link);
    void act_on(SharedMachine& machine, Link& link, ha::Time deadline);
    void give_up();

    SharedState& shared_;
    KeeperSettings settings_;
    ha::Fencer fencer_;
    std::map<std::uint32_t, Link> links_;  ///< by the machine's number
    base::FileDescriptor watchdog_;
    ha::Time known_deadline_ = ha::kNever;
    ha::Time looked_for_strays_ = ha::kNever;
    bool was_reset_ = false;
};

}  // namespace drover::had
