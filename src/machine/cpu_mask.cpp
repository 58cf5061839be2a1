#include "machine/cpu_mask.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "machine/refusal.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::HostCpuIdInfo;
using vim::VirtualMachineConfigInfo;

constexpr std::size_t kMostMasks = 64;
constexpr std::array<std::string_view, 4> kRegisters{"eax", "ebx", "ecx", "edx"};

struct MaskKey {
    std::int32_t level = 0;
    std::size_t reg = 0;
    std::string vendor;
};

std::optional<MaskKey> parse_key(std::string_view key) {
    if (key.empty() || (key.front() | 0x20) != 'c') return std::nullopt;  // as most keys
    const std::string lower = vmx::lower_case(key);
    std::string_view rest = lower;
    if (!rest.starts_with("cpuid.")) return std::nullopt;
    rest.remove_prefix(6);
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    MaskKey parsed;
    std::uint32_t level = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + dot, level, 16);
    if (error != std::errc{} || end != rest.data() + dot) return std::nullopt;
    parsed.level = static_cast<std::int32_t>(level);
    rest.remove_prefix(dot + 1);
    const auto name = rest.substr(0, rest.find('.'));
    const auto reg = std::ranges::find(kRegisters, name);
    if (reg == kRegisters.end()) return std::nullopt;
    parsed.reg = static_cast<std::size_t>(reg - kRegisters.begin());
    rest.remove_prefix(name.size());
    if (rest.empty()) return parsed;
    rest.remove_prefix(1);
    if (rest != "amd" && rest != "intel") return std::nullopt;
    parsed.vendor = rest;
    return parsed;
}

std::string key_of(const HostCpuIdInfo& mask, std::size_t reg) {
    const auto vendor = mask.vendor().value_or("");
    return fmt::format("cpuid.{:x}.{}{}{}", static_cast<std::uint32_t>(mask.level()),
                       kRegisters[reg], vendor.empty() ? "" : ".", vendor);
}

std::string get_register(const HostCpuIdInfo& mask, std::size_t reg) {
    const std::array values{mask.eax(), mask.ebx(), mask.ecx(), mask.edx()};
    return std::string(values[reg].value_or(""));
}

void set_register(HostCpuIdInfo& mask, std::size_t reg, std::string_view text) {
    switch (reg) {
        case 0:
            return mask.set_eax(text);
        case 1:
            return mask.set_ebx(text);
        case 2:
            return mask.set_ecx(text);
        default:
            return mask.set_edx(text);
    }
}

plan::CpuidMask plain(const HostCpuIdInfo& mask) {
    return {static_cast<std::uint32_t>(mask.level()), get_register(mask, 0), get_register(mask, 1),
            get_register(mask, 2), get_register(mask, 3)};
}

bool same_place(const HostCpuIdInfo& left, const HostCpuIdInfo& right) {
    return left.level() == right.level() &&
           left.vendor().value_or("") == right.vendor().value_or("");
}

bool comes_before(const HostCpuIdInfo& left, const HostCpuIdInfo& right) {
    const auto place = [](const HostCpuIdInfo& mask) {
        return std::pair(static_cast<std::uint32_t>(mask.level()), mask.vendor().value_or(""));
    };
    return place(left) < place(right);
}

HostCpuIdInfo new_mask(std::int32_t level, std::string_view vendor) {
    auto made = HostCpuIdInfo::make();
    made.set_level(level);
    made.set_vendor(vendor);
    return made;
}

bool is_empty(const HostCpuIdInfo& mask) {
    for (std::size_t reg = 0; reg < kRegisters.size(); ++reg) {
        if (!get_register(mask, reg).empty()) return false;
    }
    return true;
}

void check_mask(const HostCpuIdInfo& mask, std::string_view path) {
    const auto vendor = mask.vendor().value_or("");
    if (!vendor.empty() && vendor != "amd" && vendor != "intel") {
        refuse_value(path, "the vendor must be amd, intel or none");
    }
    const auto parsed = plan::parse_feature_mask({plain(mask)});
    if (!parsed) refuse_value(path, parsed.error());
}

void set_masks(VirtualMachineConfigInfo& config, std::vector<HostCpuIdInfo> masks,
               std::string_view path, const Rules& rules) {
    if (masks.size() > kMostMasks) refuse_value(path, "there are too many masks");
    std::erase_if(masks, is_empty);
    std::ranges::sort(masks, comes_before);
    auto changed = config;
    if (masks.empty()) {
        changed.clear_cpuFeatureMask();
    } else {
        changed.set_cpuFeatureMask(masks);
    }
    if (changed.raw() == config.raw()) return;
    if (rules.power_state != vim::VirtualMachinePowerState::poweredOff) {
        refuse_power_state(rules.power_state, path);
    }
    config = changed;
}

}  // namespace

bool is_cpu_mask_key(std::string_view key) {
    return parse_key(key).has_value();
}

std::vector<HostCpuIdInfo> read_cpu_masks(const vmx::VmxFile& file) {
    std::vector<HostCpuIdInfo> masks;
    for (const std::string& key : file.keys()) {
        const auto parsed = parse_key(key);
        if (!parsed || masks.size() == kMostMasks) continue;
        auto mask = new_mask(parsed->level, parsed->vendor);
        set_register(mask, parsed->reg, file.get(key).value_or(""));
        if (is_empty(mask) || !plan::parse_feature_mask({plain(mask)})) continue;
        const auto same =
            std::ranges::find_if(masks, [&](const auto& each) { return same_place(each, mask); });
        if (same == masks.end()) {
            masks.push_back(mask);
        } else {
            set_register(*same, parsed->reg, get_register(mask, parsed->reg));
        }
    }
    std::ranges::sort(masks, comes_before);
    return masks;
}

void write_cpu_masks(vmx::VmxFile& file, const VirtualMachineConfigInfo& config) {
    const auto same = [](const auto& left, const auto& right) { return left.raw() == right.raw(); };
    // However it is spelt there: what did not change stays as it is.
    if (std::ranges::equal(read_cpu_masks(file), config.cpuFeatureMask().to_vector(), same)) return;
    std::vector<std::pair<std::string, std::string>> wanted;
    for (const auto& mask : config.cpuFeatureMask()) {
        for (std::size_t reg = 0; reg < kRegisters.size(); ++reg) {
            const std::string text = get_register(mask, reg);
            if (!text.empty()) wanted.emplace_back(key_of(mask, reg), text);
        }
    }
    for (const std::string& key : file.keys()) {
        const auto has_key = [&](const auto& item) { return item.first == vmx::lower_case(key); };
        if (is_cpu_mask_key(key) && std::ranges::none_of(wanted, has_key)) file.remove(key);
    }
    for (const auto& [key, text] : wanted) {
        if (file.get(key) != text) file.set(key, text);
    }
}

void apply_cpu_masks(VirtualMachineConfigInfo& config, const vim::VirtualMachineConfigSpec& spec,
                     const Rules& rules) {
    constexpr std::string_view path = "configSpec.cpuFeatureMask";
    auto masks = config.cpuFeatureMask().to_vector();
    std::size_t index = 0;
    for (const auto& item : spec.cpuFeatureMask()) {
        const std::string at = fmt::format("{}[{}]", path, index++);
        const HostCpuIdInfo info(item.raw().property("info"));
        if (!info) refuse_value(at + ".info", "is missing");
        check_mask(info, at + ".info");
        auto mask = new_mask(info.level(), info.vendor().value_or(""));
        for (std::size_t reg = 0; reg < kRegisters.size(); ++reg) {
            if (const auto text = get_register(info, reg); !text.empty()) {
                set_register(mask, reg, text);
            }
        }
        const vim::Value& given = item.raw().property("operation");
        const auto operation = given ? given.as_string() : std::string_view("add");
        const auto same =
            std::ranges::find_if(masks, [&](const auto& each) { return same_place(each, mask); });
        if (operation == "remove") {
            if (same == masks.end()) refuse_value(at, "there is no such mask");
            masks.erase(same);
        } else if (same == masks.end()) {
            if (operation == "edit") refuse_value(at, "there is no such mask");
            masks.push_back(mask);
        } else {
            *same = mask;
        }
    }
    if (index > 0) set_masks(config, std::move(masks), path, rules);
}

void apply_cpu_mask_key(VirtualMachineConfigInfo& config, std::string_view key,
                        std::string_view text, std::string_view path, const Rules& rules) {
    const auto parsed = parse_key(key);
    if (!parsed) return;
    auto masks = config.cpuFeatureMask().to_vector();
    auto mask = new_mask(parsed->level, parsed->vendor);
    const auto same =
        std::ranges::find_if(masks, [&](const auto& each) { return same_place(each, mask); });
    if (same != masks.end()) mask = *same;
    set_register(mask, parsed->reg, text);
    check_mask(mask, path);
    if (same == masks.end()) {
        masks.push_back(mask);
    } else {
        *same = mask;
    }
    set_masks(config, std::move(masks), path, rules);
}

plan::FeatureMask cpu_mask_of(const VirtualMachineConfigInfo& config, plan::CpuVendor vendor) {
    std::vector<plan::CpuidMask> rows;
    for (const auto& mask : config.cpuFeatureMask()) {
        const auto only = mask.vendor().value_or("");
        if (only.empty() || only == plan::text_of(vendor)) rows.push_back(plain(mask));
    }
    return plan::parse_feature_mask(rows).value_or(plan::FeatureMask{});
}

}  // namespace drover::machine
