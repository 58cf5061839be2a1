#pragma once

// The machine reassignment problem of the ROADEF/EURO challenge 2012: processes of services are
// moved between machines so that load above safety, unbalanced resources and moves cost least. It
// is DRS with more resources and harder rules, and its published instances tell how good a search
// is.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace drover::plan::reassign {

using Cost = std::int64_t;
using Index = std::uint32_t;

struct Balance {
    Index first = 0;
    Index second = 0;
    Cost target = 0;
    Cost weight = 0;
};

struct Problem {
    Index resources = 0;
    std::vector<bool> transient;  ///< still used at the origin after a move
    std::vector<Cost> load_weight;

    Index machines = 0;
    Index neighbourhoods = 0;
    Index locations = 0;
    std::vector<Index> neighbourhood;
    std::vector<Index> location;
    std::vector<Cost> capacity;            ///< machine * resources + resource; below 2^31
    std::vector<Cost> safety;              ///< likewise
    std::vector<std::uint32_t> move_cost;  ///< from * machines + to

    Index services = 0;
    std::vector<Index> spread;                  ///< at least so many locations
    std::vector<std::vector<Index>> needs;      ///< services wanted in each neighbourhood
    std::vector<std::vector<Index>> needed_by;  ///< the other way round

    Index processes = 0;
    std::vector<Index> service;
    std::vector<Cost> requirement;  ///< process * resources + resource; below 2^31
    std::vector<Cost> process_cost;

    std::vector<Balance> balances;
    Cost process_move_weight = 0;
    Cost service_move_weight = 0;
    Cost machine_move_weight = 0;
};

using Assignment = std::vector<Index>;

/// The challenge's text forms; otherwise what is wrong with the text.
std::expected<Problem, std::string> parse_problem(std::string_view text);
std::expected<Assignment, std::string> parse_assignment(std::string_view text,
                                                        const Problem& problem);

}  // namespace drover::plan::reassign
