#include "service/pools/pool_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace drover::service {

PoolTree::PoolTree(const std::vector<PoolNode>& nodes) {
    for (const PoolNode& node : nodes) entries_[node.key].node = node;
    for (auto& [key, entry] : entries_) {
        if (entry.node.parent.empty()) {
            root_ = &entry;
            continue;
        }
        const auto parent = entries_.find(entry.node.parent);
        if (parent == entries_.end()) continue;
        entry.parent = &parent->second;
        parent->second.children.push_back(&entry);
    }
}

// What a node takes of its parent's reservation.
std::int64_t PoolTree::claim(const Entry& entry) {
    const Allocation& own = entry.node.allocation;
    if (entry.node.is_machine || !own.expandable) return own.reservation;
    return std::max(own.reservation, used(entry));
}

std::int64_t PoolTree::used(const Entry& pool) {
    std::int64_t sum = 0;
    for (const Entry* child : pool.children) sum += claim(*child);
    return sum;
}

std::int64_t PoolTree::most_of(const Entry& pool) {
    const std::int64_t above =
        pool.parent ? most_of(*pool.parent) : std::numeric_limits<std::int64_t>::max();
    const std::int64_t limit = pool.node.allocation.limit;
    return limit < 0 ? above : std::min(limit, above);
}

std::int64_t PoolTree::missing_for(const std::string& key, std::int64_t more) const {
    const Entry* pool = &at(key);
    while (more > 0) {
        const Allocation& own = pool->node.allocation;
        const std::int64_t in_use = used(*pool);
        // What is reserved in a pool can't be more than all in it may use.
        if (own.limit >= 0 && in_use + more > own.limit) return in_use + more - own.limit;
        more -= std::clamp<std::int64_t>(own.reservation - in_use, 0, more);
        if (more == 0 || !own.expandable || pool->parent == nullptr) return more;
        pool = pool->parent;
    }
    return 0;
}

PoolUse PoolTree::use_of(const std::string& key) const {
    const Entry& pool = at(key);
    PoolUse use;
    use.reservation_used = used(pool);
    for (const Entry* child : pool.children) {
        if (child->node.is_machine) {
            use.reservation_used_by_machines += child->node.allocation.reservation;
        }
    }
    for (const Entry* step = &pool;; step = step->parent) {
        const Allocation& own = step->node.allocation;
        use.unreserved_for_pool += std::max<std::int64_t>(own.reservation - used(*step), 0);
        if (!own.expandable || step->parent == nullptr) break;
    }
    use.most = most_of(pool);
    if (pool.node.allocation.limit >= 0) {
        use.unreserved_for_pool =
            std::min(use.unreserved_for_pool,
                     std::max<std::int64_t>(pool.node.allocation.limit - use.reservation_used, 0));
    }
    use.unreserved_for_machine = use.unreserved_for_pool;
    return use;
}

bool PoolTree::has_machines(const Entry& entry) {
    return entry.node.is_machine || std::ranges::any_of(entry.children, [](const Entry* child) {
               return has_machines(*child);
           });
}

void PoolTree::weigh(const Entry& pool, double weight, std::map<std::string, double>& into) {
    double sum = 0;
    for (const Entry* child : pool.children) {
        if (has_machines(*child)) sum += static_cast<double>(child->node.allocation.shares);
    }
    if (sum <= 0) sum = 1;
    for (const Entry* child : pool.children) {
        if (!has_machines(*child)) continue;
        const double part = weight * static_cast<double>(child->node.allocation.shares) / sum;
        if (child->node.is_machine) {
            into[child->node.key] = part;
        } else {
            weigh(*child, part, into);
        }
    }
}

std::map<std::string, double> PoolTree::weights() const {
    std::map<std::string, double> weights;
    if (root_ == nullptr) return weights;
    double sum = 0;
    for (const Entry* child : root_->children) {
        if (has_machines(*child)) sum += static_cast<double>(child->node.allocation.shares);
    }
    weigh(*root_, sum, weights);
    return weights;
}

std::vector<const PoolTree::Entry*> PoolTree::machines_of(const Entry& pool) {
    std::vector<const Entry*> machines;
    for (const Entry* child : pool.children) {
        if (child->node.is_machine) {
            machines.push_back(child);
        } else {
            const auto below = machines_of(*child);
            machines.insert(machines.end(), below.begin(), below.end());
        }
    }
    return machines;
}

std::map<std::string, std::int64_t> PoolTree::limits() const {
    std::map<std::string, std::int64_t> limits;
    const auto narrow = [&](const std::string& key, std::int64_t limit) {
        const auto [at, added] = limits.emplace(key, limit);
        if (!added) at->second = std::min(at->second, limit);
    };
    const auto weighed = weights();
    for (const auto& [key, entry] : entries_) {
        const std::int64_t limit = entry.node.allocation.limit;
        if (limit < 0) continue;
        if (entry.node.is_machine) {
            narrow(key, limit);
        } else if (entry.parent != nullptr) {  // the root's limit is the host itself
            const auto machines = machines_of(entry);
            std::vector<double> parts;
            std::vector<std::int64_t> demands;
            for (const Entry* machine : machines) {
                const auto found = weighed.find(machine->node.key);
                parts.push_back(found == weighed.end() ? 0 : found->second);
                // What a machine may not use is better given to another.
                const std::int64_t own = machine->node.allocation.limit;
                demands.push_back(own < 0 ? machine->node.demand
                                          : std::min(machine->node.demand, own));
            }
            const auto divided = divide(limit, parts, demands);
            for (std::size_t i = 0; i < machines.size(); ++i) {
                narrow(machines[i]->node.key, divided[i]);
            }
        }
    }
    return limits;
}

std::vector<std::int64_t> divide(std::int64_t limit, const std::vector<double>& weights,
                                 const std::vector<std::int64_t>& demands) {
    std::vector<double> given(weights.size(), 0);
    auto left = static_cast<double>(limit);
    const auto share_out = [&](auto wants) {
        while (left > 0.5) {
            double sum = 0;
            for (std::size_t i = 0; i < weights.size(); ++i) {
                if (wants(i) > given[i]) sum += weights[i];
            }
            if (sum <= 0) return;
            const double round = left;
            double taken = 0;
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const double missing = wants(i) - given[i];
                if (missing <= 0) continue;
                const double part = std::min(round * weights[i] / sum, missing);
                given[i] += part;
                taken += part;
            }
            left -= taken;
            if (taken < 0.5) return;
        }
    };
    share_out([&](std::size_t i) { return static_cast<double>(demands[i]); });
    share_out([](std::size_t) { return std::numeric_limits<double>::max(); });
    std::vector<std::int64_t> rounded;
    for (const double value : given) rounded.push_back(std::llround(value));
    return rounded;
}

}  // namespace drover::service
