#include "hypervisor/libvirt/host_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using nlohmann::json;

constexpr std::size_t list_limit = 8192;

void parse_cpu(pugi::xml_node cpu, HostInfo& info) {
    info.cpu_model = cpu.child_value("model");
    info.cpu_vendor = cpu.child_value("vendor");
    for (auto feature : cpu.children("feature")) {
        if (info.cpu_features.size() == list_limit) break;
        info.cpu_features.emplace_back(feature.attribute("name").value());
    }
    std::ranges::sort(info.cpu_features);
}

void parse_cells(pugi::xml_node cells, HostInfo& info) {
    for (auto cell : cells.children("cell")) {
        if (info.numa_cells.size() == list_limit) break;
        NumaCell numa;
        numa.id = cell.attribute("id").as_uint();
        numa.memory_bytes = cell.child("memory").text().as_ullong() * 1024;
        for (auto cpu : cell.child("cpus").children("cpu")) {
            if (numa.cpus.size() == list_limit) break;
            numa.cpus.push_back(cpu.attribute("id").as_uint());
        }
        info.numa_cells.push_back(std::move(numa));
    }
}

// An alias ("pc") names its versioned type in `canonical`.
void parse_machine_types(pugi::xml_node arch, HostInfo& info) {
    for (auto machine : arch.children("machine")) {
        const std::string canonical = machine.attribute("canonical").value();
        const std::string name = machine.text().get();
        if (name == "pc" && !canonical.empty()) info.default_machine_type = canonical;
        const auto& versioned = canonical.empty() ? name : canonical;
        if (versioned.find_first_of("0123456789") == std::string::npos) continue;
        if (info.machine_types.size() < list_limit) info.machine_types.push_back(versioned);
    }
    std::ranges::sort(info.machine_types);
    const auto repeated = std::ranges::unique(info.machine_types);
    info.machine_types.erase(repeated.begin(), repeated.end());
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool has_word(std::string_view text, std::string_view word) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; ++at) {
        const bool starts = at == 0 || text[at - 1] == ' ';
        const auto end = at + word.size();
        if (starts && (end == text.size() || text[end] == ' ')) return true;
    }
    return false;
}

const json* member(const json* object, const char* name) {
    if (object == nullptr || !object->is_object()) return nullptr;
    const auto at = object->find(name);
    return at == object->end() ? nullptr : &*at;
}

std::string text_of(const json* value) {
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string{};
}

bool lists(const json* array, std::string_view word) {
    return array != nullptr && array->is_array() &&
           std::ranges::any_of(*array, [&](const json& item) { return text_of(&item) == word; });
}

std::vector<std::string> machine_patterns(const json* targets) {
    std::vector<std::string> patterns;
    if (targets == nullptr || !targets->is_array()) return patterns;
    for (const auto& target : *targets) {
        if (text_of(member(&target, "architecture")) != "x86_64") continue;
        const auto* machines = member(&target, "machines");
        if (machines == nullptr || !machines->is_array()) continue;
        for (const auto& machine : *machines)
            if (machine.is_string() && patterns.size() < list_limit)
                patterns.push_back(machine.get<std::string>());
    }
    return patterns;
}

}  // namespace

bool parse_capabilities(std::string_view xml, HostInfo& info) {
    pugi::xml_document document;
    const auto result = document.load_buffer(xml.data(), xml.size());
    const auto capabilities = document.child("capabilities");
    if (!result || !capabilities)
        throw HypervisorError(ErrorKind::internal,
                              fmt::format("capabilities XML: {}", result.description()));
    const auto host = capabilities.child("host");
    info.host_uuid = host.child_value("uuid");
    parse_cpu(host.child("cpu"), info);
    parse_cells(host.child("topology").child("cells"), info);
    bool kvm = false;
    for (auto guest : capabilities.children("guest")) {
        const auto arch = guest.child("arch");
        if (std::string_view(arch.attribute("name").value()) != "x86_64") continue;
        parse_machine_types(arch, info);
        for (auto domain : arch.children("domain"))
            kvm = kvm || std::string_view(domain.attribute("type").value()) == "kvm";
    }
    return kvm;
}

std::string model_cpu_xml(std::string_view domain_capabilities) {
    pugi::xml_document document;
    if (!document.load_buffer(domain_capabilities.data(), domain_capabilities.size())) return {};
    const auto modes = document.child("domainCapabilities").child("cpu");
    const auto model = modes.find_child_by_attribute("mode", "name", "host-model");
    if (std::string_view(model.attribute("supported").value()) != "yes") return {};
    pugi::xml_document made;
    auto cpu = made.append_child("cpu");
    cpu.append_attribute("mode").set_value("custom");
    cpu.append_attribute("match").set_value("exact");
    for (const auto part : model.children()) cpu.append_copy(part);
    std::ostringstream stream;
    made.save(stream, "", pugi::format_raw | pugi::format_no_declaration);
    return stream.str();
}

void parse_expanded_cpu(std::string_view xml, HostInfo& info) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return;
    const auto cpu = document.child("cpu");
    if (const std::string model = cpu.child_value("model"); !model.empty()) info.cpu_model = model;
    if (const std::string vendor = cpu.child_value("vendor"); !vendor.empty())
        info.cpu_vendor = vendor;
    info.cpu_features.clear();
    for (auto feature : cpu.children("feature")) {
        const std::string_view policy = feature.attribute("policy").value();
        if (policy == "disable" || policy == "forbid") continue;
        if (info.cpu_features.size() == list_limit) break;
        info.cpu_features.emplace_back(feature.attribute("name").value());
    }
    std::ranges::sort(info.cpu_features);
}

CpuInfo parse_cpuinfo(std::string_view text) {
    CpuInfo info;
    // The first processor stands for all.
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty()) break;
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto key = trim(line.substr(0, colon));
        const auto value = trim(line.substr(colon + 1));
        if (key == "model name") info.brand = value;
        if (key == "flags")
            info.hardware_virtualization = has_word(value, "vmx") || has_word(value, "svm");
    }
    return info;
}

std::optional<UefiFirmware> parse_firmware_descriptor(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (!lists(member(&document, "interface-types"), "uefi")) return std::nullopt;
    const auto* mapping = member(&document, "mapping");
    if (text_of(member(mapping, "device")) != "flash") return std::nullopt;
    const auto* code = member(mapping, "executable");
    const auto* variables = member(mapping, "nvram-template");
    if (text_of(member(code, "format")) != "raw" || text_of(member(variables, "format")) != "raw")
        return std::nullopt;
    UefiFirmware firmware;
    firmware.loader_path = text_of(member(code, "filename"));
    firmware.nvram_template = text_of(member(variables, "filename"));
    firmware.machine_patterns = machine_patterns(member(&document, "targets"));
    const auto* features = member(&document, "features");
    firmware.secure_boot = lists(features, "secure-boot");
    firmware.enrolled_keys = lists(features, "enrolled-keys");
    if (!firmware.loader_path.starts_with('/') || firmware.machine_patterns.empty())
        return std::nullopt;
    return firmware;
}

}  // namespace drover::hypervisor::libvirt
