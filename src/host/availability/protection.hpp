#pragma once

// What high availability protects on this host, as a center (or an administrator) says it by the
// option Drover.availability: the same text on every host of a cluster. From it follows the file
// that drover-had reads, and only that: how the host is reset, as whom machines run and where
// monitors are is the administrator's file's to say, which this daemon can't write.
//
// The option is the truth, it is stored; the file follows it, however often this daemon dies.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "host/availability/availability.hpp"
#include "host/machines/leases.hpp"
#include "host/options/options.hpp"

namespace drover::host {

class HostSystem;
class VmMonitoring;

/// Belongs to the strand.
class Protection {
public:
    struct Parts {
        const HostContext& context;
        Machines& machines;
        Availability& availability;
        HostSystem& host_system;
        VmMonitoring& monitoring;
    };

    explicit Protection(Parts parts);

    void define_option(Options& options);
    /// After the options are in effect and the machines were compared with the hypervisor.
    void start();

private:
    /// What the file says, as far as it matters here.
    struct Written {
        std::string text;
        std::string datastore_path;
        std::uint64_t version = 0;
        bool has_machines = false;
    };

    void check(const vim::Value& value) const;
    void take_up(const std::string& text);
    std::optional<std::string> wanted_file() const;
    task::Awaitable<void> read();
    void note(const std::string& text);
    task::Awaitable<void> follow();
    task::Awaitable<void> settle();
    task::Awaitable<void> retire();
    bool is_released() const;
    task::Awaitable<void> write(std::string text);
    task::Awaitable<void> take_in_unguarded();
    task::Awaitable<void> take_in(MachinePtr machine);
    task::Awaitable<void> set_notes(MachinePtr machine, std::map<std::string, std::string> notes);
    task::Awaitable<void> let_go_unkept();
    task::Awaitable<void> let_go(MachinePtr machine);
    task::Awaitable<bool> make_lease_plain(MachinePtr machine);
    void show();

    Parts parts_;
    std::filesystem::path file_;
    std::string wanted_;   ///< the option's value
    std::string settled_;  ///< the value that the file follows
    base::SteadyTime next_look_{};
    Written written_;                               ///< an empty text: there is no file
    std::optional<base::SteadyTime> silent_since_;  ///< since when drover-had is
    std::string shown_;
    std::string told_problem_;
};

}  // namespace drover::host
