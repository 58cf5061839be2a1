#pragma once

// A snapshot made ready for search: what never changes while machines are moved about on paper.
// Machines that may run on the same hosts share one set of them, so that fifty thousand machines
// cost a few dozen sets.

#include <map>
#include <string>
#include <vector>

#include "plan/model/load.hpp"
#include "plan/model/snapshot.hpp"

namespace drover::plan {

class HostSet {
public:
    explicit HostSet(std::size_t size = 0, bool all = false)
        : words_((size + 63) / 64, all ? ~std::uint64_t{0} : 0) {}
    bool contains(HostIndex host) const { return (words_[host / 64] >> (host % 64) & 1) != 0; }
    void add(HostIndex host) { words_[host / 64] |= std::uint64_t{1} << (host % 64); }
    void remove(HostIndex host) { words_[host / 64] &= ~(std::uint64_t{1} << (host % 64)); }

private:
    std::vector<std::uint64_t> words_;
};

class Cluster {
public:
    /// The snapshot must outlive the cluster. Indices out of range are programmers' errors.
    explicit Cluster(const Snapshot& snapshot);

    const Snapshot& snapshot() const { return *snapshot_; }
    std::size_t host_count() const { return rooms_.size(); }
    std::size_t machine_count() const { return loads_.size(); }
    const Load& load(MachineIndex machine) const { return loads_[machine]; }
    const Room& room(HostIndex host) const { return rooms_[host]; }

    /// Features, networks, datastores and must-rules; not whether the host is usable.
    bool compatible(MachineIndex machine, HostIndex host) const {
        return classes_[class_of_[machine]].hosts.contains(host);
    }
    /// Compatible, and the host takes machines.
    bool allowed(MachineIndex machine, HostIndex host) const {
        return classes_[class_of_[machine]].usable.contains(host);
    }
    /// How many should-rules the machine would break there.
    std::uint32_t dislikes(MachineIndex machine, HostIndex host) const {
        const auto& list = classes_[class_of_[machine]].dislikes;
        return list.empty() ? 0 : list[host];
    }
    bool has_dislikes() const { return has_dislikes_; }

    /// The rules about several machines that name this one.
    const std::vector<RuleIndex>& rules_of(MachineIndex machine) const {
        return rules_of_[machine];
    }
    bool has_rules(MachineIndex machine) const { return !rules_of_[machine].empty(); }
    std::uint32_t domain(HostIndex host) const { return domains_[host]; }
    std::uint32_t domain_count() const { return domain_count_; }

    /// Machines that keep-together rules tie to this one, directly or by others; itself included.
    /// Empty if there are none.
    const std::vector<MachineIndex>& companions(MachineIndex machine) const;
    bool has_companions(MachineIndex machine) const { return group_of_[machine] != kNone; }

    struct Talk {
        MachineIndex other;
        double bytes_per_s;
    };
    const std::vector<Talk>& talks(MachineIndex machine) const {
        return talks_.empty() ? no_talks_ : talks_[machine];
    }

private:
    struct Class {
        HostSet hosts;
        HostSet usable;
        std::vector<std::uint16_t> dislikes;
    };
    Class make_class(const Machine& machine, const std::vector<RuleIndex>& host_rules) const;
    void classify();
    void index_rules();
    void index_domains();
    void index_groups();

    const Snapshot* snapshot_;
    std::vector<Load> loads_;
    std::vector<Room> rooms_;
    std::vector<Class> classes_;
    std::vector<std::uint32_t> class_of_;
    std::vector<std::vector<RuleIndex>> rules_of_;
    std::vector<std::uint32_t> domains_;
    std::uint32_t domain_count_ = 0;
    std::vector<std::vector<MachineIndex>> groups_;
    std::vector<std::uint32_t> group_of_;
    std::vector<std::vector<Talk>> talks_;
    std::vector<Talk> no_talks_;
    bool has_dislikes_ = false;
};

}  // namespace drover::plan
