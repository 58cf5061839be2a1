#include "plan/cpu/feature_set.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace drover::plan {

FeatureSet::FeatureSet(std::initializer_list<std::string_view> names)
    : FeatureSet(std::vector<std::string>(names.begin(), names.end())) {}

FeatureSet::FeatureSet(std::vector<std::string> names) : names_(std::move(names)) {
    std::ranges::sort(names_);
    const auto repeated = std::ranges::unique(names_);
    names_.erase(repeated.begin(), repeated.end());
}

bool FeatureSet::contains(std::string_view name) const {
    return std::ranges::binary_search(names_, name);
}

bool FeatureSet::includes(const FeatureSet& other) const {
    return std::ranges::includes(names_, other.names_);
}

FeatureSet FeatureSet::common_with(const FeatureSet& other) const {
    FeatureSet result;
    std::ranges::set_intersection(names_, other.names_, std::back_inserter(result.names_));
    return result;
}

FeatureSet FeatureSet::together_with(const FeatureSet& other) const {
    FeatureSet result;
    std::ranges::set_union(names_, other.names_, std::back_inserter(result.names_));
    return result;
}

FeatureSet FeatureSet::without(const FeatureSet& other) const {
    FeatureSet result;
    std::ranges::set_difference(names_, other.names_, std::back_inserter(result.names_));
    return result;
}

std::string FeatureSet::text() const {
    return fmt::format("{}", fmt::join(names_, ", "));
}

}  // namespace drover::plan
