#include "plan/reassign/solve.hpp"

#include <array>
#include <optional>
#include <utility>

#include "plan/reassign/team.hpp"

namespace drover::plan::reassign {

namespace {

// Parts of all time. A first round for each mix of steps, even over all temperatures, learns which
// suits the problem and where the cost falls; the next stays there; the rest begin from the best,
// warm enough to leave it.
constexpr double kLearning = 0.08;
constexpr double kMain = 0.84;
constexpr double kAgain = 0.085;
// Costs are whole numbers, and there are many ways to be one worse.
constexpr double kColdest = 0.08;

// The second where room is what is scarce: hardly anything fits unless something else goes.
constexpr std::array<Mix, 2> kMixes{{{28, 56, 56, 60, 1}, {10, 22, 52, 56, 5}}};
// Exchanges take as long as dozens of other steps: with so many processes there is no time for
// more than a few.
constexpr Index kMany = 5000;
constexpr Mix kHurried{10, 22, 56, 63, 5};

struct Lesson {
    Schedule schedule;
    Mix mix;
    double cost;
};

const Mix& mix_at(std::size_t at, const Problem& problem) {
    return at == 1 && problem.processes > kMany ? kHurried : kMixes[at];
}

// What each mix does from the original on, as many at a time as there are workers; returns when it
// was over.
double learn(Team& team, const Problem& problem, const Assignment& original, const Effort& effort,
             std::optional<Lesson>& best) {
    std::vector<double> usual(team.size());
    for (unsigned at = 0; at < team.size(); ++at) usual[at] = team.worker(at).usual_change();
    const double first_cost = team.worker(0).placement().cost();
    double begin = 0;
    for (std::size_t done = 0; done < kMixes.size(); done += team.size(), begin += kLearning) {
        team.assign(original);
        std::vector<Lesson> lessons;
        for (unsigned at = 0; at < team.size(); ++at) {
            const Mix& mix = mix_at((done + at) % kMixes.size(), problem);
            lessons.push_back({{mix.hot * usual.front(), kColdest}, mix, 0});
            team.worker(at).use(mix);
        }
        const Stretch stretch{begin + kLearning, begin, begin + kLearning, 0};
        team.run_all([&](unsigned at) {
            auto& worker = team.worker(at);
            worker.run(effort, stretch, lessons[at].schedule);
            lessons[at].cost = worker.placement().cost();
        });
        for (auto& lesson : lessons) {
            if (best && lesson.cost >= best->cost) continue;
            lesson.schedule.learn(first_cost);
            best = lesson;
        }
    }
    return begin;
}

}  // namespace

Solution solve(const Problem& problem, const Assignment& original, std::uint64_t seed,
               const Effort& effort, const Crew& crew) {
    Team team(problem, original, seed, effort, crew);
    if (problem.machines < 2 || problem.processes == 0) return team.best();
    std::optional<Lesson> lesson;
    double begin = learn(team, problem, original, effort, lesson);
    auto& schedule = lesson->schedule;
    team.use(lesson->mix);
    team.assign(original);
    team.round(begin, begin + kMain, schedule, 0);
    double excess = 1.03;
    for (begin += kMain; begin < 1; begin += kAgain) {
        const Solution before = team.best();
        team.assign(before.assignment);
        const auto first = schedule.bin_of(excess * static_cast<double>(before.cost));
        team.round(begin, std::min(1.0, begin + kAgain), schedule, first);
        if (team.best().cost == before.cost) excess = excess > 1.01 ? 1 + (excess - 1) / 2 : 1.05;
    }
    return team.best();
}

}  // namespace drover::plan::reassign
