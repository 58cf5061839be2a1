#include "center/history/own_counters.hpp"

namespace drover::center {

namespace {

vim::ElementDescription element(std::string_view key, std::string_view label,
                                std::string_view summary) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(summary);
    return made;
}

vim::PerfCounterInfo counter(std::int32_t id, const vim::ElementDescription& name,
                             const vim::ElementDescription& unit) {
    auto info = vim::PerfCounterInfo::make();
    info.set_key(id);
    info.set_nameInfo(name);
    info.set_groupInfo(element("clusterServices", "Cluster services", "Cluster services"));
    info.set_unitInfo(unit);
    info.set_rollupType(vim::PerfSummaryType::latest);
    info.set_statsType(vim::PerfStatsType::absolute);
    info.set_level(1);
    info.set_perDeviceLevel(1);
    return info;
}

}  // namespace

const std::vector<vim::PerfCounterInfo>& own_counters() {
    static const auto percent = element("percent", "%", "Percentage");
    static const auto number = element("number", "num", "Number");
    static const std::vector<vim::PerfCounterInfo> all{
        counter(kClusterDrsScore,
                element("clusterDrsScore", "Cluster DRS score",
                        "How much of what its machines want the cluster gives them"),
                percent),
        counter(kVmDrsScore,
                element("vmDrsScore", "VM DRS score",
                        "How much of what it wants the machine gets where it runs"),
                percent),
        counter(kClusterImbalance,
                element("imbalance", "Imbalance",
                        "How unevenly the hosts are loaded, in thousandths; 0 is even"),
                number)};
    return all;
}

}  // namespace drover::center
