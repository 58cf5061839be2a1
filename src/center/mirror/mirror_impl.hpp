#pragma once

// The one coroutine that works off what hosts have said: identify, store, publish. Only
// src/center/mirror includes it.

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "center/mirror/mirror_state.hpp"
#include "service/authorization/turns.hpp"

namespace drover::center {

class Mirror::Impl : public std::enable_shared_from_this<Mirror::Impl> {
public:
    /// A machine that is not in a host's first words may be in those of another host.
    static constexpr std::chrono::seconds kMoveGrace{5};

    explicit Impl(CenterContext& context)
        : state(context), turns_(context.runtime), woken_(context.runtime.strand()) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    task::Awaitable<void> start();
    /// Nothing that the mirror was given is touched after this.
    void stop() {
        is_stopped_ = true;
        woken_.cancel();
    }
    /// There is work.
    void wake() { woken_.cancel(); }
    /// Stores what the registry has not stored yet.
    task::Awaitable<void> commit();

    /// What was identified and is to be published, all of it stored already. By references: hosts
    /// may go meanwhile.
    struct Round {
        struct Object {
            vim::MoRef host;
            std::string id;
            HostMirror::Dirty dirty;
        };
        std::vector<Object> objects;
        std::vector<std::pair<std::string, HostMirror::Dirty>> machines;  // by the center's id
        std::unordered_set<std::string> shared;
        std::vector<std::pair<vim::MoRef, std::string>> gone;  // a host's own objects
        std::vector<vim::MoRef> hosts;                         // that said something
    };

    void lose(HostMirror& host, const vim::MoRef& object, std::chrono::milliseconds grace,
              Round& round);
    void miss(Machine& machine, base::SteadyTime until);
    void publish(Round& round);
    void answer_waiters();

    /// Somebody who waits for an object of a host to be published, or (no object) for all that the
    /// host has said, or (no host) for a machine to go.
    struct Waiter {
        vim::MoRef host;
        vim::MoRef ref;
        std::shared_ptr<boost::asio::steady_timer> timer;
    };

    /// Waits until it is over, or for `limit`.
    task::Awaitable<void> wait(vim::MoRef host, vim::MoRef ref, std::chrono::milliseconds limit);
    /// Reads one object of a host; unset if it is not there.
    static task::Awaitable<vim::ObjectUpdate> fetch(Host& host, vim::MoRef ref);

    MirrorState state;
    std::vector<std::function<void(Host&)>> activity;
    std::list<Waiter> waiters;
    std::unordered_set<std::string> moving;  // machines that are expected elsewhere
    Mirror::ExpectedKey next_key = 1;

private:
    bool is_over(const Waiter& waiter) const;
    task::Awaitable<void> work(std::shared_ptr<Impl> self);
    task::Awaitable<void> sweep(std::shared_ptr<Impl> self);
    Round take_round();
    std::size_t take_host(HostMirror& host, std::size_t most, Round& round);
    void take_object(HostMirror& host, const std::string& id, Round& round);
    void take_machine(HostMirror& host, const std::string& id, Round& round);
    void settle(HostMirror& host, Round& round);
    void publish_objects(model::Transaction& transaction, Round& round);
    void publish_machines(model::Transaction& transaction, Round& round);
    void remove_missing();
    void resolve_name(Shared& shared);
    static task::Awaitable<void> rename_datastore(Host& host, vim::MoRef datastore,
                                                  std::string name);

    /// machine_names.cpp: no two machines of a folder keep one name.
    void resolve_machine_names();
    void rename_machine(Machine& machine, std::string name);
    static task::Awaitable<void> rename_at_host(std::shared_ptr<Impl> self, vim::MoRef host,
                                                std::string id, vim::Value request);

    service::Turns turns_;  // of the store
    boost::asio::steady_timer woken_;
    bool is_stopped_ = false;
    std::unordered_set<std::string> missing_;
    std::unordered_map<std::string, base::SteadyTime> renaming_;  // not again before that
};

}  // namespace drover::center
