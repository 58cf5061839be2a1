#pragma once

// Simulated annealing over whole plans: a plan is the set of machines that end up elsewhere, at
// most `max_moves` of them. Greedy balancers spend a move where it helps most now; this one trades
// moves for others as long as the end becomes better.
//
// Steps: another host for a machine; home again; two machines change places. A move has a price
// that rises while more than `max_moves` are made and falls while fewer are, so that the search
// walks around the limit instead of along it; only the last tenth of a round is held to it, and
// there one machine goes home so that another may go.

#include <algorithm>
#include <cmath>
#include <vector>

#include "plan/balance/effort.hpp"
#include "plan/model/dice.hpp"
#include "plan/model/state.hpp"

namespace drover::plan {

template <class Objective>
class Annealer {
public:
    /// `home`: where each machine is now; what differs from it counts as a move.
    Annealer(State& state, Objective& objective, std::vector<HostIndex> home,
             std::vector<MachineIndex> movable, std::size_t max_moves, std::uint64_t seed)
        : state_(state),
          objective_(objective),
          home_(std::move(home)),
          movable_(std::move(movable)),
          max_moves_(max_moves),
          dice_(seed),
          place_(home_.size(), kNone) {
        for (const auto machine : movable_) {
            if (state_.host_of(machine) != home_[machine]) note_moved(machine);
        }
        best_ = state_.hosts();
        best_cost_ = objective_.cost();
    }

    /// Leaves the state at the best that was found. As many rounds as the effort is enough for:
    /// several short ones find more than one that is too long for so few machines.
    void run(const Effort& effort) {
        if (movable_.empty() || state_.cluster().host_count() < 2 || max_moves_ == 0) return;
        const double usual = typical_change();
        hot_ = 0.5 * usual;
        cold_ = 2e-3 * usual;
        price_ = is_limited() ? 0.5 * hot_ : 0;
        const double before = effort.part_done(0);
        std::uint64_t iteration = 0;
        while (iteration < kWarmUp) {
            if (iteration % 512 == 0 && effort.part_done(iteration) >= 1) break;
            step(hot_);
            ++iteration;
        }
        const double part = effort.part_done(iteration) - before;
        const double total = static_cast<double>(kWarmUp) * (1 - before) / std::max(part, 1e-9);
        const double enough = 1500.0 * static_cast<double>(movable_.size()) *
                              static_cast<double>(state_.cluster().host_count());
        const auto rounds = std::clamp(std::floor(total / enough), 1.0, kMostRounds);
        for (double at = 0; at < rounds; ++at) {
            round(effort, iteration, before + (1 - before) * at / rounds,
                  before + (1 - before) * (at + 1) / rounds);
        }
        go_to_best();
    }

private:
    bool is_moved(MachineIndex machine) const { return place_[machine] != kNone; }

    void note_moved(MachineIndex machine) {
        place_[machine] = static_cast<std::uint32_t>(moved_.size());
        moved_.push_back(machine);
    }
    void note_home(MachineIndex machine) {
        moved_[place_[machine]] = moved_.back();
        place_[moved_.back()] = place_[machine];
        moved_.pop_back();
        place_[machine] = kNone;
    }
    void apply(MachineIndex machine, HostIndex to) {
        objective_.will_move(state_, machine, to);
        state_.move(machine, to);
        const bool away = to != home_[machine];
        if (away && !is_moved(machine)) note_moved(machine);
        if (!away && is_moved(machine)) note_home(machine);
    }
    MachineIndex any_machine() { return movable_[dice_.below(movable_.size())]; }
    HostIndex any_host() {
        return static_cast<HostIndex>(dice_.below(state_.cluster().host_count()));
    }
    bool accepts(double delta, double temperature) {
        return delta <= 0 || (temperature > 0 && delta < temperature * dice_.allowance());
    }

    double typical_change() {
        std::vector<double> sizes;
        for (int tries = 0; tries < 2000 && sizes.size() < 200; ++tries) {
            const auto machine = any_machine();
            const auto to = any_host();
            if (to == state_.host_of(machine) || !state_.may_move(machine, to)) continue;
            sizes.push_back(std::abs(objective_.move_delta(state_, machine, to)));
        }
        if (sizes.empty()) return 1e-3;
        const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
        std::ranges::nth_element(sizes, middle);
        return std::max(*middle, 1e-9);
    }

    void round(const Effort& effort, std::uint64_t& iteration, double start, double end) {
        double temperature = hot_;
        if (is_limited()) price_ = 0.5 * hot_;
        for (;; ++iteration) {
            if (iteration % 512 == 0) {
                const double now = effort.part_done(iteration);
                if (now >= std::min(end, 1.0)) break;
                const double done = std::max(0.0, (now - start) / (end - start));
                temperature = done > 0.97 ? 0 : hot_ * std::pow(cold_ / hot_, done / 0.97);
                set_price(done);
                keep_if_best();
            }
            step(temperature);
        }
        keep_if_best();
        held_ = false;
    }

    bool is_limited() const { return max_moves_ < movable_.size(); }

    void set_price(double done) {
        if (!is_limited()) return;
        held_ = done > 0.9;
        if (moved_.size() > max_moves_) {
            price_ *= held_ ? 1.1 : 1.03;
        } else if (held_) {
            price_ = 0;  // what is left of the moves costs nothing
        } else if (moved_.size() < max_moves_) {
            price_ *= 0.97;
        }
    }

    double price_of(std::size_t moved_then) const {
        return price_ * (static_cast<double>(moved_then) - static_cast<double>(moved_.size()));
    }

    void step(double temperature) {
        const auto kind = dice_.below(16);
        if (kind < 8) return try_swap(temperature);
        // Those that have moved already cost nothing to be sent elsewhere.
        const auto machine =
            kind < 12 && !moved_.empty() ? moved_[dice_.below(moved_.size())] : any_machine();
        if (held_ && !is_moved(machine) && moved_.size() >= max_moves_) {
            return try_exchange(machine, temperature);
        }
        const auto home = home_[machine];
        const auto to = is_moved(machine) && dice_.below(2) == 0 ? home : any_host();
        if (to == state_.host_of(machine) || !state_.may_move(machine, to)) return;
        const double price = price_of(moved_.size() - is_moved(machine) + (to != home));
        if (accepts(price + objective_.move_delta(state_, machine, to), temperature)) {
            apply(machine, to);
        }
    }

    void try_swap(double temperature) {
        const auto one = !moved_.empty() && dice_.below(4) != 0 ? moved_[dice_.below(moved_.size())]
                                                                : any_machine();
        // Often one goes home, and one from there takes its place.
        const auto first = state_.host_of(one);
        const auto second = is_moved(one) && dice_.below(2) == 0 ? home_[one] : any_host();
        if (first == second) return;
        const auto& others = state_.machines_on(second);
        if (others.empty()) return;
        const auto two = others[dice_.below(others.size())];
        if (!may_be_moved(two)) return;
        const std::size_t count = moved_.size() - is_moved(one) - is_moved(two) +
                                  (second != home_[one]) + (first != home_[two]);
        if (held_ && count > max_moves_ && count >= moved_.size()) return;
        if (!state_.may_swap(one, two)) return;
        const double delta = price_of(count) + objective_.swap_delta(state_, one, two);
        if (!accepts(delta, temperature)) return;
        apply(one, second);
        apply(two, first);
    }

    // `machine` moves, and one that had moved goes home.
    void try_exchange(MachineIndex machine, double temperature) {
        const auto back = moved_[dice_.below(moved_.size())];
        const auto was_at = state_.host_of(back);
        if (!state_.may_move(back, home_[back])) return;
        // Half of the time into the place that becomes free.
        const auto to = dice_.below(2) == 0 ? was_at : any_host();
        if (to == state_.host_of(machine)) return;
        const double first = objective_.move_delta(state_, back, home_[back]);
        const double allowed = temperature > 0 ? temperature * dice_.allowance() : 0;
        apply(back, home_[back]);
        if (!state_.may_move(machine, to) ||
            first + objective_.move_delta(state_, machine, to) > allowed) {
            apply(back, was_at);
            return;
        }
        apply(machine, to);
    }

    bool may_be_moved(MachineIndex machine) {
        if (movable_set_.empty()) {
            movable_set_.assign(home_.size(), false);
            for (const auto each : movable_) movable_set_[each] = true;
        }
        return movable_set_[machine];
    }

    void keep_if_best() {
        if (moved_.size() > max_moves_ || objective_.cost() >= best_cost_ - 1e-12) return;
        best_cost_ = objective_.cost();
        best_ = state_.hosts();
    }
    void go_to_best() {
        for (MachineIndex at = 0; at < best_.size(); ++at) {
            if (state_.host_of(at) != best_[at]) apply(at, best_[at]);
        }
    }

    static constexpr std::uint64_t kWarmUp = 1U << 15;
    static constexpr double kMostRounds = 1000;

    State& state_;
    Objective& objective_;
    std::vector<HostIndex> home_;
    std::vector<MachineIndex> movable_;
    std::vector<bool> movable_set_;
    std::size_t max_moves_;
    Dice dice_;
    std::vector<std::uint32_t> place_;  // in moved_
    std::vector<MachineIndex> moved_;
    std::vector<HostIndex> best_;
    double best_cost_ = 0;
    double hot_ = 0;
    double cold_ = 0;
    double price_ = 0;   // of a move
    bool held_ = false;  // to the limit, as the round ends
};

}  // namespace drover::plan
