#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "plan/reassign/placement.hpp"
#include "plan/reassign/solve.hpp"
#include "reassign_checker.hpp"

namespace drover::plan::judge {
namespace {

using namespace reassign;

// In the challenge's own text form; the original assignment keeps every constraint by construction:
// spreads and dependencies are drawn from what it does.
struct Instance {
    std::string model;
    Assignment original;
};

struct Shape {
    Index machines = 4;  ///< at least; up to four more
    Index services = 4;  ///< at least; up to three more
    Index per_service = 4;
    Index neighbourhoods = 2;
};

Instance random_instance(std::uint64_t seed, const Shape& shape = {}) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t bound) { return random() % bound; };
    const Index machines = static_cast<Index>(shape.machines + below(5));
    const Index services = static_cast<Index>(shape.services + below(4));
    const Index per_service = shape.per_service;
    std::set<Index> of_first;
    Instance made;
    std::ostringstream text;
    text << "2\n1 10\n0 100\n" << machines << '\n';
    for (Index machine = 0; machine < machines; ++machine) {
        text << machine % shape.neighbourhoods << ' ' << machine % 3 << " 300 250 100 80";
        for (Index to = 0; to < machines; ++to) text << ' ' << (to == machine ? 0 : 1 + to % 3);
        text << '\n';
    }
    std::ostringstream processes;
    text << services << '\n';
    for (Index service = 0; service < services; ++service) {
        std::vector<Index> order(machines);
        for (Index machine = 0; machine < machines; ++machine) order[machine] = machine;
        std::shuffle(order.begin(), order.end(), random);
        std::set<Index> places;
        for (Index at = 0; at < per_service; ++at) {
            made.original.push_back(order[at]);
            places.insert(order[at] % shape.neighbourhoods);
            processes << service << ' ' << 1 + below(30) << ' ' << 1 + below(20) << ' '
                      << 1 + below(9) << '\n';
        }
        // Whoever depends on the first service is where that is.
        if (service == 0) of_first = places;
        const bool may_need = service > 0 && std::ranges::includes(of_first, places);
        text << 1 + below(2) << ' ' << (may_need && below(2) == 0 ? "1 0" : "0") << '\n';
    }
    text << services * per_service << '\n' << processes.str() << "1\n0 1 1 10\n1 10 100\n";
    made.model = text.str();
    return made;
}

TEST(Reassign, finds_valid_assignments_of_the_cost_it_says) {
    int judged = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const auto instance = random_instance(seed);
        const auto problem = parse_problem(instance.model);
        ASSERT_TRUE(problem) << problem.error();
        const auto first = check_assignment(*problem, instance.original, instance.original);
        if (!first.violation.empty()) continue;
        ++judged;
        const auto found = solve(*problem, instance.original, seed, {.iterations = 30000});
        const auto verdict = check_assignment(*problem, instance.original, found.assignment);
        EXPECT_EQ(verdict.violation, "") << seed;
        EXPECT_EQ(verdict.cost, found.cost) << seed;
        EXPECT_LE(found.cost, first.cost) << seed;
    }
    EXPECT_GT(judged, 10);
}

// Several at the same time, on machines of their own for a while: by neighbourhood, or one by one.
TEST(Reassign, searchers_together_keep_the_rules_and_repeat_themselves) {
    const Crew crew{.size = 2, .run_all = [](const std::function<void(unsigned)>& piece) {
                        const std::jthread other(piece, 1);
                        piece(0);
                    }};
    int judged = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto instance = random_instance(seed, {18, 13, 8, seed % 2 == 0 ? 2U : 5U});
        const auto problem = parse_problem(instance.model);
        ASSERT_TRUE(problem) << problem.error();
        const auto first = check_assignment(*problem, instance.original, instance.original);
        if (!first.violation.empty()) continue;
        ++judged;
        const auto found = solve(*problem, instance.original, seed, {.iterations = 60000}, crew);
        const auto verdict = check_assignment(*problem, instance.original, found.assignment);
        EXPECT_EQ(verdict.violation, "") << seed;
        EXPECT_EQ(verdict.cost, found.cost) << seed;
        EXPECT_LT(found.cost, first.cost) << seed;
        const auto again = solve(*problem, instance.original, seed, {.iterations = 60000}, crew);
        EXPECT_EQ(again.assignment, found.assignment) << seed;
    }
    EXPECT_GT(judged, 10);
}

// Two machines with room for 10, a process of 8 on the first and of 5 on the second.
bool the_second_could_hold_the_first(bool transient) {
    const auto problem = parse_problem(std::string("1\n") + (transient ? "1" : "0") +
                                       " 10\n2\n0 0 10 10 0 1\n0 0 10 10 1 0\n"
                                       "2\n1 0\n1 0\n2\n0 8 1\n1 5 1\n0\n1 1 1\n");
    EXPECT_TRUE(problem) << problem.error();
    const Assignment original{0, 1};
    Placement placement(*problem, original);
    EXPECT_FALSE(placement.has_room(0, 1));
    EXPECT_TRUE(placement.could_hold(0, 0)) << "at home it always fits";
    const bool could = placement.could_hold(1, 0);
    placement.move(1, 0);
    EXPECT_EQ(placement.has_room(0, 1), could) << "with nobody there";
    return could;
}

TEST(Reassign, a_machine_never_holds_more_than_those_who_left_gave_back) {
    EXPECT_TRUE(the_second_could_hold_the_first(false));
    EXPECT_FALSE(the_second_could_hold_the_first(true));
}

TEST(Reassign, says_what_is_wrong_with_a_file) {
    const auto instance = random_instance(1);
    EXPECT_FALSE(parse_problem(""));
    EXPECT_FALSE(parse_problem(instance.model.substr(0, instance.model.size() / 2)));
    EXPECT_FALSE(parse_problem(instance.model + " 7"));
    const auto problem = parse_problem(instance.model);
    EXPECT_FALSE(parse_assignment("0 1 2", *problem));
    EXPECT_EQ(parse_problem("99999999999999999999").error(), "number 0 is missing");
}

}  // namespace
}  // namespace drover::plan::judge
