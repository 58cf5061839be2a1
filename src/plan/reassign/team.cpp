#include "plan/reassign/team.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace drover::plan::reassign {

namespace {

constexpr double kTogether = 0.004;  // of all time, until the machines are dealt anew
constexpr unsigned kLongestPause = 32;

template <class Values>
void shuffle(Values& values, Dice& dice) {
    for (std::size_t left = values.size(); left > 1; --left) {
        std::swap(values[left - 1], values[dice.below(left)]);
    }
}

}  // namespace

Team::Team(const Problem& problem, const Assignment& original, std::uint64_t seed,
           const Effort& effort, const Crew& crew)
    : problem_(problem), effort_(effort), crew_(crew), dice_(seed ^ 0x7465616dU) {
    for (unsigned at = 0; at < std::max(1U, crew.size); ++at) {
        workers_.push_back(std::make_unique<Search>(problem, original, seed * 1000 + at));
    }
    neighbourhoods_.resize(problem.neighbourhoods);
    for (Index machine = 0; machine < problem.machines; ++machine) {
        neighbourhoods_[problem.neighbourhood[machine]].push_back(machine);
    }
    std::erase_if(neighbourhoods_, [](const auto& machines) { return machines.empty(); });
}

const Solution& Team::best() const {
    const auto cost = [](const auto& worker) { return worker->best().cost; };
    return (*std::ranges::min_element(workers_, {}, cost))->best();
}

void Team::assign(const Assignment& assignment) {
    for (auto& worker : workers_) worker->placement().assign(assignment);
}

void Team::use(const Mix& mix) {
    for (auto& worker : workers_) worker->use(mix);
}

void Team::run_all(const std::function<void(unsigned)>& piece) {
    if (crew_.run_all && size() > 1) {
        crew_.run_all(piece);
        return;
    }
    for (unsigned at = 0; at < size(); ++at) piece(at);
}

bool Team::can_divide() const {
    return workers_.size() > 1 && problem_.machines >= 8 * workers_.size();
}

void Team::round(double start, double end, Schedule& schedule, std::size_t first_bin) {
    if (!can_divide()) {
        stretch_together({end, start, end, first_bin}, schedule);
        take_best();
        return;
    }
    for (double at = start; at < end; at += kTogether) {
        const Assignment before = workers_.front()->placement().assignment();
        deal();
        stretch_together({std::min(end, at + kTogether), start, end, first_bin}, schedule);
        put_together(before);
    }
    std::vector<Index> all(problem_.machines);
    std::iota(all.begin(), all.end(), Index{0});
    for (auto& worker : workers_) {
        worker->placement().share_spread(0, 1);
        worker->confine(all);
    }
}

void Team::stretch_together(const Stretch& stretch, Schedule& schedule) {
    std::vector<Schedule> copies(workers_.size(), schedule);
    run_all([&](unsigned at) { workers_[at]->run(effort_, stretch, copies[at]); });
    schedule = copies.front();
}

void Team::deal() {
    const bool enough = neighbourhoods_.size() >= 2 * workers_.size();
    dealt_one_by_one_ = !enough || not_before_ == 0;
    if (not_before_ > 0) --not_before_;
    auto hands = dealt_one_by_one_ ? deal_machines() : deal_neighbourhoods();
    for (std::size_t at = 0; at < workers_.size(); ++at) {
        workers_[at]->placement().share_spread(at, workers_.size());
        workers_[at]->confine(std::move(hands[at]));
    }
}

std::vector<std::vector<Index>> Team::deal_machines() {
    std::vector<Index> order(problem_.machines);
    std::iota(order.begin(), order.end(), Index{0});
    shuffle(order, dice_);
    std::vector<std::vector<Index>> hands(workers_.size());
    for (std::size_t at = 0; at < order.size(); ++at) {
        hands[at % hands.size()].push_back(order[at]);
    }
    return hands;
}

// To whom has least.
std::vector<std::vector<Index>> Team::deal_neighbourhoods() {
    shuffle(neighbourhoods_, dice_);
    std::vector<std::vector<Index>> hands(workers_.size());
    for (const auto& machines : neighbourhoods_) {
        auto& hand = *std::ranges::min_element(hands, {}, &std::vector<Index>::size);
        hand.insert(hand.end(), machines.begin(), machines.end());
    }
    for (auto& hand : hands) shuffle(hand, dice_);
    return hands;
}

// What the best did, and of each other what it did as long as the rules hold.
void Team::put_together(const Assignment& before) {
    std::vector<Search*> order;
    for (auto& worker : workers_) order.push_back(worker.get());
    std::ranges::sort(order, {}, [](Search* at) { return at->placement().cost(); });
    auto& sum = order.front()->placement();
    bool fits_together = true;
    for (std::size_t at = 1; at < order.size(); ++at) {
        const auto& other = order[at]->placement();
        for (const auto process : order[at]->members()) {
            sum.move(process, other.machine_of(process));
        }
        if (sum.keeps_rules()) continue;
        fits_together = false;
        for (const auto process : order[at]->members()) sum.move(process, before[process]);
    }
    order.front()->keep_if_best();
    for (std::size_t at = 1; at < order.size(); ++at) {
        order[at]->placement().assign(sum.assignment());
    }
    if (!dealt_one_by_one_) return;
    pause_ = fits_together ? 1 : std::min(kLongestPause, 2 * pause_);
    not_before_ = pause_;
}

void Team::take_best() {
    const auto cost = [](const auto& worker) { return worker->placement().cost(); };
    assign(Assignment((*std::ranges::min_element(workers_, {}, cost))->placement().assignment()));
}

}  // namespace drover::plan::reassign
