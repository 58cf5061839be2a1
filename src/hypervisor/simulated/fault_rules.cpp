#include "hypervisor/simulated/fault_rules.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "base/file.hpp"
#include "base/log.hpp"

namespace drover::hypervisor::simulated {
namespace {

using nlohmann::json;

constexpr std::size_t kTextLimit = 1'000;

[[noreturn]] void fail(std::size_t index, std::string_view field, std::string_view reason) {
    throw std::runtime_error(fmt::format("faults[{}].{}: {}", index, field, reason));
}

std::optional<ErrorKind> kind_of(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        if (name_of(kind) == name) return kind;
    }
    return std::nullopt;
}

std::string text_of(const json& value, std::size_t index, std::string_view field) {
    if (!value.is_string()) fail(index, field, "must be a text");
    auto text = value.get<std::string>();
    if (text.size() > kTextLimit) fail(index, field, "is too long");
    return text;
}

std::uint64_t number_of(const json& value, std::size_t index, std::string_view field,
                        std::uint64_t most) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most) {
        fail(index, field, fmt::format("must be a number from 0 to {}", most));
    }
    return value.get<std::uint64_t>();
}

void read_field(FaultRule& rule, const std::string& field, const json& value, std::size_t index) {
    if (field == "method") {
        rule.method = text_of(value, index, field);
    } else if (field == "object") {
        rule.object = text_of(value, index, field);
    } else if (field == "probability") {
        if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1) {
            fail(index, field, "must be a number from 0 to 1");
        }
        rule.probability = value.get<double>();
    } else if (field == "delay_ms") {
        rule.delay_ms = static_cast<std::uint32_t>(
            number_of(value, index, field, FaultRules::kLongestDelay_ms));
    } else if (field == "fault") {
        rule.fault = kind_of(text_of(value, index, field));
        if (!rule.fault) fail(index, field, "is no kind of error (see hypervisor_error.hpp)");
    } else if (field == "message") {
        rule.message = text_of(value, index, field);
    } else if (field == "count") {
        rule.count = number_of(value, index, field, UINT32_MAX);
    } else {
        fail(index, field, "is unknown");
    }
}

bool matches(const std::string& pattern, std::string_view text) {
    return ::fnmatch(pattern.c_str(), std::string(text).c_str(), 0) == 0;
}

bool concerns(const FaultRule& rule, std::string_view method, std::string_view uuid,
              std::string_view name) {
    return matches(rule.method, method) &&
           (rule.object == "*" || matches(rule.object, uuid) || matches(rule.object, name));
}

}  // namespace

std::vector<FaultRule> parse_fault_rules(std::string_view text) {
    const json list = json::parse(text, nullptr, false, true);
    if (!list.is_array()) throw std::runtime_error("faults: must be a list");
    if (list.size() > FaultRules::kMostRules) throw std::runtime_error("faults: too many rules");
    std::vector<FaultRule> rules;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object()) {
            throw std::runtime_error(fmt::format("faults[{}]: must be an object", i));
        }
        FaultRule rule;
        for (const auto& [field, value] : list[i].items()) read_field(rule, field, value, i);
        rules.push_back(std::move(rule));
    }
    return rules;
}

FaultRules::FaultRules(std::vector<FaultRule> fixed, std::filesystem::path file, std::uint64_t seed)
    : file_(std::move(file)), dice_(seed) {
    for (auto& rule : fixed) fixed_.push_back({std::move(rule), 0});
}

void FaultRules::apply(std::string_view method, std::string_view uuid, std::string_view name) {
    Verdict verdict = judge(method, uuid, name);
    if (verdict.delay.count() > 0) std::this_thread::sleep_for(verdict.delay);
    if (verdict.error) throw *verdict.error;
}

FaultRules::Verdict FaultRules::judge(std::string_view method, std::string_view uuid,
                                      std::string_view name) {
    const std::lock_guard lock(mutex_);
    look_at_file();
    Verdict verdict;
    for (auto* rules : {&fixed_, &from_file_}) {
        for (auto& [rule, hits] : *rules) {
            if (rule.count != 0 && hits >= rule.count) continue;
            if (!concerns(rule, method, uuid, name)) continue;
            if (std::uniform_real_distribution<>(0, 1)(dice_) >= rule.probability) continue;
            ++hits;
            verdict.delay += std::chrono::milliseconds(rule.delay_ms);
            if (!rule.fault) continue;
            const std::string why = rule.message.empty() ? fmt::format("{} (a fault rule says so)",
                                                                       name_of(*rule.fault))
                                                         : rule.message;
            verdict.error.emplace(*rule.fault, fmt::format("{}: {}", method, why));
            return verdict;
        }
    }
    return verdict;
}

// Under the lock.
void FaultRules::look_at_file() {
    if (file_.empty()) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return;
    next_look_ = now + kLookInterval;
    std::error_code gone;
    const auto time = std::filesystem::last_write_time(file_, gone);
    if (gone) {
        from_file_.clear();
        file_time_ = {};
        return;
    }
    std::error_code ignored;
    const auto size = std::filesystem::file_size(file_, ignored);
    if (time == file_time_ && size == file_size_) return;
    file_time_ = time;
    file_size_ = size;
    from_file_.clear();
    try {
        for (auto& rule : parse_fault_rules(base::read_file(file_, kFileLimitBytes))) {
            from_file_.push_back({std::move(rule), 0});
        }
        base::log_info("{} fault rules from {}", from_file_.size(), file_.string());
    } catch (const std::exception& error) {
        base::log_error("{}: {}", file_.string(), error.what());
    }
}

}  // namespace drover::hypervisor::simulated
