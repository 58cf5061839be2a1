#include "host/cpu/cpu_policy.hpp"

#include "base/log.hpp"
#include "host/cpu/feature_lists.hpp"
#include "host/cpu/seen_cpu.hpp"
#include "host/host_system/host_config.hpp"
#include "host/options/options.hpp"
#include "host/references.hpp"
#include "machine/cpu_mask.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::Value;

namespace {

constexpr std::string_view kOption = "Drover.cpuBaseline";
constexpr std::int32_t kMostOptionBytes = 8192;

}  // namespace

CpuPolicy::CpuPolicy(const HostContext& context)
    : context_(context), offered_(offered_cpu(context.host_info)) {}

void CpuPolicy::define_option(Options& options) {
    OptionDefinition made;
    made.key = kOption;
    made.label = "CPU baseline";
    made.summary =
        "Which CPU features machines that are powered on from now on may see at most, after the "
        "EVC mode and a '|'; empty: all that the host has. The center sets it for the hosts of a "
        "cluster.";
    made.initial = Value::string("");
    made.most = kMostOptionBytes;
    made.apply = [this](const Value& value) { follow(value.as_string()); };
    options.define(std::move(made));
}

void CpuPolicy::follow(std::string_view text) {
    promise_.reset();
    if (!text.empty()) {
        auto parsed = plan::parse_promise(text);
        if (parsed) {
            promise_ = *std::move(parsed);
            base::log_info("machines see the CPU features of the cluster's baseline '{}'", text);
        } else {
            base::log_warning("the option {} is no baseline: {}", kOption, parsed.error());
        }
    }
    show();
}

plan::FeatureSet CpuPolicy::allowed() const {
    return promise_ ? offered_.features.common_with(promise_->features) : offered_.features;
}

void CpuPolicy::show() const {
    if (offered_.features.empty()) return;
    namespace property = vim::property::HostSystem;
    const auto all = capabilities_of(offered_);
    const auto masked = capabilities_of({offered_.vendor, allowed()});
    model::Transaction transaction(context_.inventory);
    edit_host_config(transaction, [&](vim::HostConfigInfo& config) {
        config.set_featureCapability(all);
        config.set_maskedFeatureCapability(masked);
    });
    vim::HostListSummary summary(transaction.get(references::host, property::summary));
    if (const plan::EvcMode* newest = plan::newest_evc_mode(offered_)) {
        summary.set_maxEVCModeKey(newest->key);
    }
    if (promise_ && !promise_->mode.empty()) {
        summary.set_currentEVCModeKey(promise_->mode);
    } else {
        summary.clear_currentEVCModeKey();
    }
    transaction.set(references::host, property::summary, summary.raw());
    transaction.commit();
}

CpuPolicy::Choice CpuPolicy::choose(const Machine& machine) const {
    Choice choice;
    const bool kvm = context_.host_info.accelerator == hypervisor::Accelerator::kvm;
    const bool known = !offered_.features.empty();
    choice.spec.mode =
        kvm || known ? hypervisor::CpuMode::host_model : hypervisor::CpuMode::maximum;
    if (machine.suspended) {
        // The saved memory has its CPU beside it; the guest goes on with that.
        choice.seen = seen_cpu_text(machine);
        if (const auto seen = seen_cpu(machine)) require_cpu(*seen, offered_);
        return choice;
    }
    if (!known) return choice;
    const auto mask = machine::cpu_mask_of(machine.config, offered_.vendor);
    const plan::FeatureSet possible = allowed();
    if (const auto missing = mask.demanded.without(possible); !missing.empty()) {
        throw requirements_not_met(
            missing, missing.without(offered_.features).empty()
                         ? "The machine's masks (cpuFeatureMask) demand features that the "
                           "cluster's CPU baseline holds back"
                         : "The machine's masks (cpuFeatureMask) demand features that the host's "
                           "CPU lacks");
    }
    const plan::Cpu seen{offered_.vendor, mask.applied_to(possible)};
    choice.spec.disabled_features = offered_.features.without(seen.features).names();
    choice.seen = plan::text_of(seen);
    return choice;
}

}  // namespace drover::host
