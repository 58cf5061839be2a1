#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace drover::plan {

/// A set of CPU features by name ("sse4.2"), in the order of the names. A value.
class FeatureSet {
public:
    FeatureSet() = default;
    FeatureSet(std::initializer_list<std::string_view> names);
    /// In any order; what is named twice counts once.
    explicit FeatureSet(std::vector<std::string> names);

    bool contains(std::string_view name) const;
    /// Whether everything in `other` is here too.
    bool includes(const FeatureSet& other) const;
    bool empty() const { return names_.empty(); }
    std::size_t size() const { return names_.size(); }
    const std::vector<std::string>& names() const { return names_; }

    /// What both have.
    FeatureSet common_with(const FeatureSet& other) const;
    /// What either has.
    FeatureSet together_with(const FeatureSet& other) const;
    /// What is here and not there.
    FeatureSet without(const FeatureSet& other) const;

    /// "aes, avx2" for messages.
    std::string text() const;

    friend bool operator==(const FeatureSet&, const FeatureSet&) = default;

private:
    std::vector<std::string> names_;
};

}  // namespace drover::plan
