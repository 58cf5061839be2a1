#include "model/collector_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/fault.hpp"

namespace drover::model {

PropertyFilter& CollectorState::add(std::unique_ptr<PropertyFilter> filter) {
    filters_.push_back(std::move(filter));
    return *filters_.back();
}

bool CollectorState::remove(const MoRef& filter) {
    return std::erase_if(filters_, [&](const auto& each) { return each->ref() == filter; }) > 0;
}

void CollectorState::accept_version(std::string_view version) {
    repeat_last_ = false;
    if (version.empty()) {
        last_.reset();
        for (const auto& filter : filters_) filter->restart();
        return;
    }
    if (version_ > 0 && version == fmt::format("{}", version_)) {
        last_.reset();
        return;
    }
    // The answer that this client should have had got lost: it gets it again.
    if (last_ && version_ > 1 && version == fmt::format("{}", version_ - 1)) {
        repeat_last_ = true;
        return;
    }
    throw vim::make_fault<vim::InvalidCollectorVersion>(fmt::format(
        "The version '{}' is none that this collector can continue from.", version.substr(0, 64)));
}

std::optional<vim::UpdateSet> CollectorState::collect(std::size_t max_objects) {
    if (repeat_last_) {
        repeat_last_ = false;
        return last_;
    }
    // First what may break a limit and throw, so that nothing is taken that doesn't arrive.
    for (const auto& filter : filters_) filter->refresh();
    std::vector<vim::PropertyFilterUpdate> updates;
    bool truncated = false;
    for (const auto& filter : filters_) {
        if (auto update = filter->collect(max_objects, truncated)) {
            updates.push_back(std::move(*update));
        }
    }
    if (updates.empty()) return std::nullopt;
    auto set = vim::UpdateSet::make();
    set.set_version(fmt::format("{}", ++version_));
    set.set_filterSet(updates);
    if (truncated) set.set_truncated(true);
    last_ = set;
    return set;
}

const std::string& CollectorState::keep(Retrieval retrieval, std::size_t limit) {
    retrieval.token = fmt::format("{}", next_token_++);
    retrievals_.push_back(std::move(retrieval));
    if (retrievals_.size() > limit) retrievals_.pop_front();
    return retrievals_.back().token;
}

Retrieval CollectorState::take(std::string_view token) {
    const auto found = std::ranges::find(retrievals_, token, &Retrieval::token);
    if (found == retrievals_.end()) {
        throw vim::invalid_argument("token", "No retrieval is under way for this token.");
    }
    Retrieval taken = std::move(*found);
    retrievals_.erase(found);
    return taken;
}

}  // namespace drover::model
