#include "plan/reassign/solve.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "plan/model/dice.hpp"

namespace drover::plan::reassign {

namespace {

// Parts of all time. A first round for each mix of steps, even over all temperatures, learns which
// suits the problem and where the cost falls; the next stays there; the rest begin from the best,
// warm enough to leave it.
constexpr double kLearning = 0.08;
constexpr double kMain = 0.5;
constexpr double kAgain = 0.085;
constexpr double kColdest = 0.3;  // costs are whole numbers
constexpr int kTries = 8;         // machines that are looked at for one that makes way

/// Of 64 steps, those up to which each kind counts; the rest are exchanges.
struct Mix {
    std::uint32_t shift;
    std::uint32_t swap;
    std::uint32_t replace;
    std::uint32_t chain;
    double hot;  ///< the first temperature, by what a usual step changes
};
// The second where room is what is scarce: hardly anything fits unless something else goes.
constexpr std::array<Mix, 2> kMixes{{{28, 56, 56, 60, 1}, {10, 20, 52, 60, 5}}};

// Temperatures from hot to cold, and how much of a round each gets.
class Schedule {
public:
    Schedule(double hot, double cold)
        : step_(std::pow(cold / hot, 1.0 / kBins)), weight_(kBins, 1.0), cost_(kBins) {
        double at = hot;
        for (std::size_t bin = 0; bin < kBins; ++bin, at *= step_) temperature_.push_back(at);
    }

    /// From bin `first` on, when part `done` (0 to 1) of the round is over.
    double temperature(std::size_t first, double done) {
        double left = done * std::accumulate(weight_.begin() + static_cast<std::ptrdiff_t>(first),
                                             weight_.end(), 0.0);
        bin_ = first;
        while (bin_ + 1 < kBins && left > weight_[bin_]) left -= weight_[bin_++];
        return temperature_[bin_] * std::pow(step_, std::min(1.0, left / weight_[bin_]));
    }
    /// What the assignment costs now, at the temperature asked for last.
    void note(Cost cost) { cost_[bin_] = static_cast<double>(cost); }

    /// By how far the cost fell, relatively, in each bin of the round that is over.
    void learn(Cost start) {
        double before = static_cast<double>(start);
        std::vector<double> fall(kBins);
        double sum = 0;
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            if (cost_[bin] == 0) cost_[bin] = before;
            fall[bin] = std::max(0.0, std::log((before + 1) / (cost_[bin] + 1)));
            sum += fall[bin];
            before = cost_[bin];
        }
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            const auto near = [&](std::size_t at) { return at < kBins ? fall[at] : 0; };
            const double smooth = 0.5 * near(bin) + 0.25 * (near(bin - 1) + near(bin + 1));
            weight_[bin] = 0.3 / kBins + (sum > 0 ? 0.7 * smooth / sum : 0);
        }
    }
    /// The first bin that ended at no more than `cost`.
    std::size_t bin_of(double cost) const {
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            if (cost_[bin] <= cost) return bin;
        }
        return kBins - 1;
    }

private:
    static constexpr std::size_t kBins = 48;
    double step_;
    std::vector<double> temperature_;
    std::vector<double> weight_;
    std::vector<double> cost_;
    std::size_t bin_ = 0;
};

class Search {
public:
    Search(const Problem& problem, const Assignment& original, std::uint64_t seed)
        : problem_(problem), placement_(problem, original), dice_(seed) {
        best_ = {placement_.assignment(), placement_.cost()};
        sort_by_size();
    }

    Solution run(const Effort& effort) {
        if (problem_.machines < 2 || problem_.processes == 0) return best_;
        const double usual = usual_change();
        const auto original = best_.assignment;
        const Cost start = best_.cost;
        std::optional<Schedule> schedule;
        Mix chosen = kMixes.front();
        Cost least = 0;
        double begin = 0;
        for (const Mix& mix : kMixes) {
            placement_.assign(original);
            mix_ = mix;
            Schedule tried(mix.hot * usual, kColdest);
            round(effort, begin, begin + kLearning, tried, 0);
            begin += kLearning;
            if (schedule && placement_.cost() >= least) continue;
            least = placement_.cost();
            chosen = mix;
            tried.learn(start);
            schedule = std::move(tried);
        }
        mix_ = chosen;
        round(effort, begin, begin + kMain, *schedule, 0);
        double excess = 1.03;
        for (begin += kMain; begin < 1; begin += kAgain) {
            placement_.assign(best_.assignment);
            const auto first = schedule->bin_of(excess * static_cast<double>(best_.cost));
            const Cost before = best_.cost;
            round(effort, begin, std::min(1.0, begin + kAgain), *schedule, first);
            if (best_.cost == before) excess = excess > 1.01 ? 1 + (excess - 1) / 2 : 1.05;
        }
        return best_;
    }

private:
    struct Move {
        Index process;
        Index from;
    };

    double usual_change() {
        std::vector<double> changes;
        for (int tries = 0; tries < 20'000 && changes.size() < 1000; ++tries) {
            const auto process = dice_.below(problem_.processes);
            const auto to = dice_.below(problem_.machines);
            if (to == placement_.machine_of(process) || !placement_.may_move(process, to)) continue;
            changes.push_back(std::abs(static_cast<double>(placement_.move_delta(process, to))));
        }
        if (changes.empty()) return 1000;
        std::ranges::sort(changes);
        return std::max(10.0, changes[changes.size() * 4 / 5]);
    }

    void round(const Effort& effort, double start, double end, Schedule& schedule,
               std::size_t first) {
        double temperature = 0;
        for (;; ++iteration_) {
            if (iteration_ % 512 == 0) {
                const double done = effort.part_done(iteration_);
                if (done >= end) break;
                temperature = schedule.temperature(
                    first, std::clamp((done - start) / (end - start), 0.0, 1.0));
                schedule.note(placement_.cost());
                keep_if_best();
            }
            step(temperature);
        }
        keep_if_best();
    }

    bool accepts(Cost delta) const { return static_cast<double>(delta) <= allowed_; }

    void step(double temperature) {
        allowed_ = temperature * dice_.allowance();
        const auto kind = dice_.below(64);
        if (kind < mix_.shift) {
            shift();
        } else if (kind < mix_.swap) {
            swap();
        } else if (kind < mix_.replace) {
            replace();
        } else if (kind < mix_.chain) {
            chain();
        } else {
            exchange();
        }
    }

    void shift() {
        const auto process = dice_.below(problem_.processes);
        const auto to = dice_.below(problem_.machines);
        if (to == placement_.machine_of(process)) return;
        if (placement_.arriving_costs() &&
            !accepts(placement_.leave_delta(process) + placement_.move_costs(process, to))) {
            return;
        }
        if (!placement_.may_move(process, to)) return;
        if (accepts(placement_.move_delta(process, to))) placement_.move(process, to);
    }

    void swap() {
        const auto one = dice_.below(problem_.processes);
        const auto two = dice_.below(problem_.processes);
        const auto first = placement_.machine_of(one);
        const auto second = placement_.machine_of(two);
        if (first == second || !placement_.may_swap(one, two)) return;
        if (!accepts(placement_.swap_delta(one, two))) return;
        const Cost before = placement_.cost();
        placement_.move(one, second);
        placement_.move(two, first);
        // The moves of services and dependencies between the two are only known now.
        const bool fine = accepts(placement_.cost() - before) && still_depend(one, two);
        if (fine) return;
        placement_.move(two, second);
        placement_.move(one, first);
    }

    // Each was looked at with the other still in its place.
    bool still_depend(Index one, Index two) const {
        const auto needs = [&](Index left, Index right) {
            const auto& list = problem_.needs[problem_.service[left]];
            return std::ranges::find(list, problem_.service[right]) != list.end();
        };
        return problem_.service[one] == problem_.service[two] ||
               (!needs(one, two) && !needs(two, one)) ||
               problem_.neighbourhood[placement_.machine_of(one)] ==
                   problem_.neighbourhood[placement_.machine_of(two)];
    }

    // One takes the place of another, which mostly goes home: there its transient resources are
    // still its own.
    void replace() {
        const auto other = dice_.below(problem_.processes);
        const auto process = dice_.below(problem_.processes);
        const auto to = placement_.machine_of(other);
        const auto from = placement_.machine_of(process);
        if (from == to || !placement_.has_room_after(process, other)) return;
        const bool goes_home = !placement_.is_home(other) && dice_.below(4) != 0;
        const auto place = goes_home ? placement_.home_of(other) : dice_.below(problem_.machines);
        if (place == to || place == from || !placement_.may_move(other, place)) return;
        if (!accepts(placement_.replace_delta(process, other, place))) return;
        const Cost before = placement_.cost();
        placement_.move(other, place);
        if (placement_.may_move(process, to)) {
            placement_.move(process, to);
            if (accepts(placement_.cost() - before)) return;
            placement_.move(process, from);
        }
        placement_.move(other, to);
    }

    // One goes where another has to leave, and so on.
    void chain() {
        done_.clear();
        const Cost before = placement_.cost();
        auto process = dice_.below(problem_.processes);
        for (int length = 0; length < 4; ++length) {
            const auto to = dice_.below(problem_.machines);
            const auto from = placement_.machine_of(process);
            if (to == from) break;
            if (placement_.may_move(process, to)) {
                placement_.move(process, to);
                if (accepts(placement_.cost() - before)) return;
                done_.push_back({process, from});
                const auto& others = placement_.processes_on(to);
                process = others[dice_.below(others.size())];
                continue;
            }
            const auto& others = placement_.processes_on(to);
            if (others.empty() || !placement_.rules_allow(process, to)) break;
            const auto ejected = others[dice_.below(others.size())];
            const auto place = dice_.below(problem_.machines);
            if (place == to || place == from || !placement_.may_move(ejected, place)) break;
            placement_.move(ejected, place);
            done_.push_back({ejected, to});
            if (!placement_.may_move(process, to)) break;
            placement_.move(process, to);
            done_.push_back({process, from});
            if (accepts(placement_.cost() - before)) return;
            const auto& next = placement_.processes_on(place);
            process = next[dice_.below(next.size())];
        }
        for (auto at = done_.rbegin(); at != done_.rend(); ++at) {
            placement_.move(at->process, at->from);
        }
    }

    // A large process goes to another machine, and what must or should leave there for it takes its
    // place.
    void exchange() {
        const auto process =
            by_size_[dice_.below(dice_.below(problem_.processes) + std::size_t{1})];
        const auto to = dice_.below(problem_.machines);
        const auto from = placement_.machine_of(process);
        if (to == from || !placement_.rules_allow(process, to)) return;
        const Cost before = placement_.cost();
        done_.clear();
        go(process, to);
        make_room(process, to, from);
        if (!placement_.is_overfull(to)) {
            settle(process, to, from);
            settle(process, from, to);
            if (accepts(placement_.cost() - before)) return;
        }
        for (auto at = done_.rbegin(); at != done_.rend(); ++at) {
            placement_.move(at->process, at->from);
        }
    }

    void go(Index process, Index to) {
        done_.push_back({process, placement_.machine_of(process)});
        placement_.move(process, to);
    }

    // Whatever has to go for it to fit: home if it is not there, to where the large one comes from,
    // or to the best of some others.
    void make_room(Index but, Index machine, Index from) {
        others_ = placement_.processes_on(machine);
        const auto first = dice_.below(others_.size());
        for (std::size_t at = 0; at < others_.size(); ++at) {
            if (!placement_.is_overfull(machine)) return;
            const auto other = others_[(first + at) % others_.size()];
            if (other == but) continue;
            const auto to = way_out(other, machine, from);
            if (to != machine) go(other, to);
        }
    }

    Index way_out(Index process, Index machine, Index from) {
        Index best = machine;
        Cost least = 0;
        const auto consider = [&](Index to) {
            if (to == machine || !placement_.may_move(process, to)) return;
            const Cost cost = placement_.arrive_delta(process, to);
            if (best != machine && cost >= least) return;
            best = to;
            least = cost;
        };
        consider(placement_.home_of(process));
        consider(from);
        for (int tries = 0; tries < kTries; ++tries) consider(dice_.below(problem_.machines));
        return best;
    }

    // From one machine to another: whatever gains.
    void settle(Index but, Index from, Index to) {
        others_ = placement_.processes_on(from);
        for (const auto other : others_) {
            if (other == but || !placement_.may_move(other, to)) continue;
            if (placement_.move_delta(other, to) < 0) go(other, to);
        }
    }

    void sort_by_size() {
        std::vector<double> total(problem_.resources, 1);
        for (std::size_t at = 0; at < problem_.capacity.size(); ++at) {
            total[at % problem_.resources] += static_cast<double>(problem_.capacity[at]);
        }
        std::vector<double> size(problem_.processes);
        for (std::size_t at = 0; at < problem_.requirement.size(); ++at) {
            auto& largest = size[at / problem_.resources];
            const auto part =
                static_cast<double>(problem_.requirement[at]) / total[at % problem_.resources];
            largest = std::max(largest, part);
        }
        by_size_.resize(problem_.processes);
        std::iota(by_size_.begin(), by_size_.end(), Index{0});
        std::ranges::sort(by_size_, {}, [&](Index at) { return std::pair(-size[at], at); });
    }

    void keep_if_best() {
        if (placement_.cost() < best_.cost) best_ = {placement_.assignment(), placement_.cost()};
    }

    const Problem& problem_;
    Placement placement_;
    Dice dice_;
    Solution best_;
    std::vector<Index> by_size_;  // the largest first
    std::vector<Move> done_;      // in a step that may be taken back
    std::vector<Index> others_;
    std::uint64_t iteration_ = 0;
    double allowed_ = 0;
    Mix mix_ = kMixes.front();
};

}  // namespace

Solution solve(const Problem& problem, const Assignment& original, std::uint64_t seed,
               const Effort& effort) {
    return Search(problem, original, seed).run(effort);
}

}  // namespace drover::plan::reassign
