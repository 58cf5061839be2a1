#include "world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace drover::ha::sim {

namespace {

constexpr Duration kHardMountRetry = milliseconds{500};

bool later(const World::Due& left, const World::Due& right) {
    return left.when != right.when ? left.when > right.when : left.order > right.order;
}

}  // namespace

void World::Counts::add(const Counts& other) {
    const auto* from = &other.events;
    auto* to = &events;
    for (std::size_t at = 0; at < sizeof(Counts) / sizeof(long); ++at) to[at] += from[at];
}

World::World(const WorldSettings& settings)
    : how(settings), dice(settings.seed * 7919 + 17), judge(settings.machines) {
    hosts.resize(how.hosts);
    leases.resize(how.machines);
    slots.resize(how.hosts);
    fenced_below.resize(how.machines);
    beats.emplace_back(how.hosts);
    down_since.resize(how.machines, kNever);
    first_run.resize(how.machines, kNever);
    launching.resize(how.machines, -1);
    failed_start.resize(how.machines, kNever);
}

void World::say(const std::string& line) const {
    if (!how.trace) return;
    fmt::print("{:10.3f} {}\n", static_cast<double>(now.time_since_epoch().count()) * 1e-6, line);
}

void World::at(Time when, std::function<void()> what) {
    due.push_back({when, orders++, std::move(what)});
    std::ranges::push_heap(due, later);
}

void World::run_until(Time end) {
    while (!due.empty() && due.front().when <= end && !judge.is_violated()) {
        std::ranges::pop_heap(due, later);
        const auto next = std::move(due.back());
        due.pop_back();
        now = next.when;
        ++counts.events;
        next.what();
    }
    now = std::max(now, end);
}

Duration World::between(Duration low, Duration high) {
    return low + Duration{dice.below(static_cast<std::size_t>((high - low).count()) + 1)};
}

Duration World::delay(int channel) {
    if (chance(slow)) return between(milliseconds{100}, seconds{9});
    return between(Duration{500}, channel == kEtcd ? milliseconds{8} : milliseconds{20});
}

Duration World::way_out(int host, int channel) {
    const auto& from = hosts[static_cast<std::size_t>(host)];
    const auto index = static_cast<std::size_t>(channel);
    Duration way = delay(channel);
    if (from.late_out[index] > Duration{}) way += between(Duration{}, from.late_out[index]);
    if (from.stalled_until[index] > now) way += from.stalled_until[index] - now;
    return way;
}

Duration World::way_back(int host, int channel) {
    const auto late =
        hosts[static_cast<std::size_t>(host)].late_in[static_cast<std::size_t>(channel)];
    return delay(channel) + (late > Duration{} ? between(Duration{}, late) : Duration{});
}

Time World::clock_of(int host) const {
    const auto& which = hosts[static_cast<std::size_t>(host)];
    const auto local = static_cast<double>(now.time_since_epoch().count()) * which.rate;
    Time time{Duration{static_cast<std::int64_t>(local)} + which.offset};
    if (how.adapter == AdapterFault::wall_clock) time += which.wall_step;
    return time;
}

// A request travels, takes effect, and its answer travels back. What etcd does not get is lost;
// storage is mounted hard: requests are repeated until they land, even when their sender is gone.
void World::request(int host, int channel, std::function<void()> land_it,
                    std::function<Event()> answer, bool reads) {
    const auto& from = hosts[static_cast<std::size_t>(host)];
    const Duration lag = reads ? from.read_lag[static_cast<std::size_t>(channel)] : Duration{};
    Request made{host, from.agent_life, channel, lag, std::move(land_it), std::move(answer)};
    after(way_out(host, channel), [this, made = std::move(made)] { travel(made); });
}

void World::travel(Request request) {
    const auto& from = hosts[static_cast<std::size_t>(request.host)];
    const auto index = static_cast<std::size_t>(request.channel);
    if (!is_up(request.channel) || !from.out[index]) {
        if (request.channel == kEtcd) return;
        if (from.agent_life != request.life && request.tries > 40) return;
        ++request.tries;
        after(kHardMountRetry, [this, request = std::move(request)] { travel(request); });
        return;
    }
    request.land();
    const Duration wait = way_back(request.host, request.channel) + request.lag;
    if (request.channel != kEtcd) {
        answer_storage(request, wait);
        return;
    }
    after(wait,
          [this, host = request.host, life = request.life, answer = std::move(request.answer)] {
              if (etcd_up && hosts[static_cast<std::size_t>(host)].in[kEtcd])
                  deliver(host, life, answer);
          });
}

void World::answer_storage(const Request& request, Duration wait) {
    after(wait, [=, this] {
        const auto& to = hosts[static_cast<std::size_t>(request.host)];
        if (to.agent_life != request.life) return;
        if (!is_up(request.channel) || !to.in[static_cast<std::size_t>(request.channel)]) {
            answer_storage(request, kHardMountRetry);
            return;
        }
        deliver(request.host, request.life, request.answer);
    });
}

bool World::is_up(int channel) const {
    if (channel == kEtcd) return etcd_up;
    return channel == kStorage ? storage_up : second_storage_up;
}

void World::deliver(int host, int life, std::function<Event()> event) {
    auto& to = hosts[static_cast<std::size_t>(host)];
    if (to.agent_life != life || !to.up || !to.agent_up) return;
    const Time free = std::max(to.agent_hangs_until, to.frozen_until);
    if (now < free) {
        at(free + between(Duration{0}, milliseconds{2}), [=, this] { deliver(host, life, event); });
        return;
    }
    step(host, event());
}

void World::tell(int host, Event event) {
    const int life = hosts[static_cast<std::size_t>(host)].agent_life;
    auto shared = std::make_shared<Event>(std::move(event));
    deliver(host, life, [shared] { return *shared; });
}

// Between hosts, over the network that etcd uses too.
void World::send_message(int to, Duration at_least, std::function<Event()> event, int from) {
    const Duration wait = at_least + delay(kEtcd);
    after(wait, [=, this] {
        const auto& sender = hosts[static_cast<std::size_t>(from)];
        const auto& target = hosts[static_cast<std::size_t>(to)];
        if (!sender.out[kEtcd] || !target.in[kEtcd]) return;
        deliver(to, target.agent_life, event);
    });
}

}  // namespace drover::ha::sim
