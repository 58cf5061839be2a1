#include "model/collector_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/content.hpp"
#include "vim/fault.hpp"

namespace drover::model {
namespace {

[[noreturn]] void refuse_version(std::string_view version) {
    throw vim::make_fault<vim::InvalidCollectorVersion>(fmt::format(
        "The version '{}' is none that this collector can continue from.", version.substr(0, 64)));
}

}  // namespace

void CollectorState::remove(const MoRef& filter) {
    std::erase_if(filters_, [&](const auto& each) { return each->ref() == filter; });
}

PropertyFilter* CollectorState::find(const MoRef& filter) const {
    const auto found =
        std::ranges::find(filters_, filter, [](const auto& each) { return each->ref(); });
    return found == filters_.end() ? nullptr : found->get();
}

void CollectorState::accept_version(std::string_view version, bool takes_truncated) {
    if (version.empty()) {
        repeat_last_ = false;
        last_.reset();
        last_truncated_ = false;
        answer_.reset();
        for (const auto& filter : filters_) filter->restart();
        return;
    }
    if (version_ > 0 && version == fmt::format("{}", version_)) {
        // The rest of a truncated answer is for those who know what that is.
        if (last_truncated_ && !takes_truncated) refuse_version(version);
        repeat_last_ = false;
        last_.reset();
        return;
    }
    // The answer that this client should have had got lost: it gets it again.
    if (last_ && version_ > 1 && version == fmt::format("{}", version_ - 1)) {
        repeat_last_ = true;
        return;
    }
    refuse_version(version);
}

void CollectorState::begin_answer(std::size_t max_objects) {
    // First what may break a limit and throw, so that nothing is taken that doesn't arrive.
    for (const auto& filter : filters_) filter->begin_answer();
    answer_.emplace();
    answer_->objects_left = max_objects;
    for (const auto& filter : filters_) answer_->filters.push_back(filter->ref());
}

bool CollectorState::work(std::size_t max_objects, std::size_t& steps) {
    if (repeat_last_) return true;
    if (!answer_) begin_answer(max_objects);
    AnswerBudget budget{answer_->objects_left, steps, answer_->truncated};
    for (; answer_->position < answer_->filters.size(); ++answer_->position) {
        const MoRef& ref = answer_->filters[answer_->position];
        PropertyFilter* filter = find(ref);
        const bool complete = !filter || filter->answer(budget, answer_->object_updates);
        answer_->objects_left = budget.objects;
        answer_->truncated = budget.truncated;
        steps = budget.steps;
        if (!complete) return false;
        auto updates = std::exchange(answer_->object_updates, {});
        if (!filter) continue;  // destroyed meanwhile: nobody asks for it any more
        auto missing = filter->take_missing();
        if (updates.empty() && missing.empty()) continue;
        answer_->filter_updates.push_back(
            make_filter_update(ref, std::move(updates), std::move(missing)));
    }
    return true;
}

std::optional<vim::UpdateSet> CollectorState::take_answer() {
    if (std::exchange(repeat_last_, false)) return last_;
    auto answer = std::exchange(answer_, std::nullopt);
    if (!answer || answer->filter_updates.empty()) return std::nullopt;
    auto set = vim::UpdateSet::make();
    set.set_version(fmt::format("{}", ++version_));
    std::vector<vim::PropertyFilterUpdate> updates;
    for (auto& each : answer->filter_updates) updates.emplace_back(std::move(each));
    set.set_filterSet(updates);
    if (answer->truncated) set.set_truncated(true);
    last_truncated_ = answer->truncated;
    last_ = set;
    return set;
}

const std::string& CollectorState::keep(RetrievalRest rest, std::size_t limit) {
    rest.token = fmt::format("{}", next_token_++);
    rests_.push_back(std::move(rest));
    if (rests_.size() > limit) rests_.pop_front();
    return rests_.back().token;
}

RetrievalRest CollectorState::take(std::string_view token) {
    const auto found = std::ranges::find(rests_, token, &RetrievalRest::token);
    if (found == rests_.end()) {
        throw vim::invalid_argument("token", "No retrieval is under way for this token.");
    }
    RetrievalRest taken = std::move(*found);
    rests_.erase(found);
    return taken;
}

}  // namespace drover::model
