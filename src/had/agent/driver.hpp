#pragma once

// Drives ha::Agent: each event is one transaction on the shared state, its requests go to the
// datastore and to the host agent, and what it notes goes to the log and to people.

#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "ha/agent/agent.hpp"
#include "had/agent/host_link.hpp"
#include "had/agent/timeline.hpp"
#include "had/config.hpp"
#include "had/datastore/datastore_channel.hpp"
#include "had/etcd/etcd_channel.hpp"
#include "had/fence/shared_state.hpp"
#include "had/member/etcd_member.hpp"

namespace drover::had {

/// Events from other threads, and a descriptor that is readable while there are any.
class Inbox {
public:
    Inbox();
    void put(ha::Event event);
    std::deque<ha::Event> take();
    int descriptor() const { return ready_.get(); }

private:
    std::mutex mutex_;
    std::deque<ha::Event> events_;
    base::FileDescriptor ready_;
};

class Driver {
public:
    Driver(Config config, std::filesystem::path config_file, std::shared_ptr<Names> names,
           SharedState& shared, uid_t user);
    /// Returns when nothing is protected any more.
    void run();

private:
    void register_machines();
    void take_up_etcd();
    void retire_member();
    void look_at_config();
    void take_up(Config config);
    bool is_about_something_else(const Config& config) const;
    void let_go_unprotected(SharedImage& image);
    void let_go_late();
    std::vector<std::string> guarded();
    void step(const ha::Event& event);
    void tell_ends(SharedImage& image, ha::Time now, std::vector<ha::Action>& actions);
    void perform(const ha::Action& action);
    void perform(const ha::Note& note);
    void take(const HostMessage& message);

    // moving.cpp
    void take_move(const HostMessage& message, ha::MachineId machine);
    void tell_moved(SharedImage& image, ha::Time now, std::vector<ha::Action>& actions);
    bool perform_move(const ha::Action& action);
    void call_off(ha::MachineId machine);
    void look_at_moves();
    bool answer_moved(ha::MachineId machine, bool is_late);

    void host_came_or_went(bool came);
    void change(const std::string& machine, const std::function<void(SharedMachine&)>& how);
    void greet();
    void tell_timeline();
    void tell(const char* what, ha::MachineId machine, ha::Generation generation);
    void adopt(const std::string& uuid, ha::MachineId machine, ha::Generation generation);
    std::optional<ha::Generation> generation_of(ha::MachineId machine);
    void wake_fencer();

    /// The last word about a machine that has gone from here: who hears it once more does no harm.
    std::map<ha::MachineId, std::string> given_;
    /// Machines whose process is ending, as the host agent says; until when that is believed.
    std::map<ha::MachineId, ha::Time> moves_;
    Config config_;
    std::filesystem::path config_file_;
    std::filesystem::file_time_type config_time_{};
    ha::Time config_looked_ = ha::kNever;
    bool is_retired_ = false;
    std::shared_ptr<Names> names_;
    SharedState& shared_;
    ha::Fencer fencer_;
    ha::Agent agent_;
    std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    DatastoreChannel datastore_;
    EtcdChannel etcd_;
    EtcdMember member_;
    Timeline timeline_{*names_};
    HostLink host_;
    base::FileDescriptor wake_;
};

}  // namespace drover::had
