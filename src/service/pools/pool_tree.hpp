#pragma once

// The resource pools of a host as plain values, and what follows from their reservations, limits
// and shares. Pure.
//
// The kernel weighs all machines against each other in one flat group, so shares of pools are
// worked into each machine's own weight: a machine gets that part of its pool which its shares have
// among the running machines and pools beside it. A pool's limit is divided among its running
// machines, first by what they want and then by weight, and divided anew with every sample.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace drover::service {

/// Of CPU (MHz) or memory (bytes or MB: the unit is the caller's). A limit of -1 is none.
struct Allocation {
    std::int64_t reservation = 0;
    std::int64_t limit = -1;
    std::int64_t shares = 0;
    bool expandable = false;
};

/// A pool, or a running machine. Keys are unique among both.
struct PoolNode {
    std::string key;
    std::string parent;  ///< empty for the root pool
    bool is_machine = false;
    Allocation allocation;
    std::int64_t demand = 0;  ///< of machines: what they would use now
};

struct PoolUse {
    std::int64_t reservation_used = 0;
    std::int64_t reservation_used_by_machines = 0;  ///< directly in this pool
    std::int64_t unreserved_for_pool = 0;           ///< what a child pool could reserve
    std::int64_t unreserved_for_machine = 0;
    std::int64_t most = 0;  ///< that all in the pool may use together
};

class PoolTree {
public:
    /// Parents may come after their children. Nodes whose parent is not there are left out.
    explicit PoolTree(const std::vector<PoolNode>& nodes);

    PoolUse use_of(const std::string& pool) const;

    /// Whether `more` can be reserved in a pool: from its own reservation or, where that may grow,
    /// from those above. What is missing, else 0.
    std::int64_t missing_for(const std::string& pool, std::int64_t more) const;

    /// The weight of each running machine: as its own shares if no pool stands between.
    std::map<std::string, double> weights() const;

    /// What each running machine may use at most; machines without any limit are left out.
    std::map<std::string, std::int64_t> limits() const;

private:
    struct Entry {
        PoolNode node;
        std::vector<const Entry*> children;
        const Entry* parent = nullptr;
    };
    const Entry& at(const std::string& key) const { return entries_.at(key); }
    static std::int64_t claim(const Entry& entry);
    static std::int64_t used(const Entry& pool);
    static std::int64_t most_of(const Entry& pool);
    static bool has_machines(const Entry& entry);
    static void weigh(const Entry& pool, double weight, std::map<std::string, double>& into);
    static std::vector<const Entry*> machines_of(const Entry& pool);

    std::map<std::string, Entry> entries_;
    const Entry* root_ = nullptr;
};

/// Divides a limit: nobody gets less than its weight's part of it, unless it wants less; what is
/// left goes to those who want more, and in the end to all by weight.
std::vector<std::int64_t> divide(std::int64_t limit, const std::vector<double>& weights,
                                 const std::vector<std::int64_t>& demands);

}  // namespace drover::service
