#include "hypervisor/libvirt/domain_xml.hpp"

#include <fmt/format.h>

#include <cmath>
#include <pugixml.hpp>
#include <sstream>

#include "hypervisor/libvirt/device_xml.hpp"
#include "hypervisor/text.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using pugi::xml_node;

constexpr std::size_t title_limit = 255;

void child_text(xml_node parent, const char* name, const std::string& text) {
    parent.append_child(name).text().set(text.c_str());
}

void append_entries(xml_node machine, const std::map<std::string, std::string>& metadata) {
    for (const auto& [key, value] : metadata) {
        auto entry = machine.append_child("entry");
        entry.append_attribute("key").set_value(key.c_str());
        entry.append_attribute("value").set_value(value.c_str());
    }
}

void append_metadata(xml_node domain, const DomainSpec& spec) {
    const auto name = fmt::format("{}:machine", metadata_prefix);
    auto machine = domain.append_child("metadata").append_child(name.c_str());
    machine.append_attribute(fmt::format("xmlns:{}", metadata_prefix).c_str())
        .set_value(metadata_namespace);
    append_entries(machine, spec.metadata);
}

void append_limits(xml_node domain, const DomainSpec& spec) {
    if (!spec.cgroup_partition.empty())
        child_text(domain.append_child("resource"), "partition", spec.cgroup_partition);
    const auto& tuning = spec.cpu_tuning;
    if (!tuning.shares && !tuning.limit_cores) return;
    auto cputune = domain.append_child("cputune");
    if (tuning.shares) child_text(cputune, "shares", fmt::to_string(*tuning.shares));
    if (tuning.limit_cores) {
        constexpr double period_us = 100000;
        child_text(cputune, "global_period", "100000");
        child_text(cputune, "global_quota",
                   fmt::to_string(std::llround(*tuning.limit_cores * period_us)));
    }
}

void append_os(xml_node domain, const DomainSpec& spec) {
    const auto& firmware = spec.firmware;
    auto os = domain.append_child("os");
    auto type = os.append_child("type");
    type.append_attribute("arch").set_value("x86_64");
    type.append_attribute("machine").set_value(spec.machine_type.c_str());
    type.text().set("hvm");
    if (firmware.kind == FirmwareKind::uefi) {
        auto loader = os.append_child("loader");
        loader.append_attribute("readonly").set_value("yes");
        loader.append_attribute("secure").set_value(firmware.secure_boot ? "yes" : "no");
        loader.append_attribute("type").set_value("pflash");
        loader.text().set(firmware.loader_path.c_str());
        auto nvram = os.append_child("nvram");
        if (!firmware.nvram_template.empty())
            nvram.append_attribute("template").set_value(firmware.nvram_template.c_str());
        nvram.text().set(firmware.nvram_path.c_str());
    }
    if (firmware.boot_menu) {
        auto menu = os.append_child("bootmenu");
        menu.append_attribute("enable").set_value("yes");
        menu.append_attribute("timeout").set_value(firmware.boot_menu_timeout_ms);
    }
    if (spec.smbios) os.append_child("smbios").append_attribute("mode").set_value("sysinfo");
}

void append_sysinfo(xml_node domain, const DomainSpec& spec) {
    if (!spec.smbios) return;
    auto sysinfo = domain.append_child("sysinfo");
    sysinfo.append_attribute("type").set_value("smbios");
    auto system = sysinfo.append_child("system");
    const auto entry = [&](const char* name, const std::string& text) {
        if (text.empty()) return;
        auto node = system.append_child("entry");
        node.append_attribute("name").set_value(name);
        node.text().set(text.c_str());
    };
    entry("manufacturer", spec.smbios->manufacturer);
    entry("product", spec.smbios->product);
    entry("version", spec.smbios->version);
    entry("serial", spec.smbios->serial);
    entry("uuid", spec.uuid.value());
}

void append_features(xml_node domain, const DomainSpec& spec) {
    auto features = domain.append_child("features");
    features.append_child("acpi");
    features.append_child("apic");
    features.append_child("pae");
    if (spec.firmware.secure_boot)
        features.append_child("smm").append_attribute("state").set_value("on");
}

void append_cpu(xml_node domain, const CpuSpec& cpu) {
    auto node = domain.append_child("cpu");
    switch (cpu.mode) {
        case CpuMode::host_model:
            node.append_attribute("mode").set_value("host-model");
            break;
        case CpuMode::maximum:
            node.append_attribute("mode").set_value("maximum");
            break;
        case CpuMode::named: {
            node.append_attribute("mode").set_value("custom");
            node.append_attribute("match").set_value("exact");
            // What was asked for by name must be there; the rest of the model is up to QEMU, which
            // emulates less than some models have.
            node.append_attribute("check").set_value("none");
            auto model = node.append_child("model");
            model.append_attribute("fallback").set_value("forbid");
            model.text().set(cpu.model.c_str());
            break;
        }
    }
    auto topology = node.append_child("topology");
    topology.append_attribute("sockets").set_value(cpu.vcpus / cpu.cores_per_socket);
    topology.append_attribute("dies").set_value(1);
    topology.append_attribute("cores").set_value(cpu.cores_per_socket);
    topology.append_attribute("threads").set_value(1);
    const auto feature = [&](const std::string& name, const char* policy) {
        auto element = node.append_child("feature");
        element.append_attribute("policy").set_value(policy);
        element.append_attribute("name").set_value(name.c_str());
    };
    for (const auto& name : cpu.required_features) feature(name, "require");
    for (const auto& name : cpu.disabled_features) feature(name, "disable");
}

void append_clock(xml_node domain) {
    auto clock = domain.append_child("clock");
    clock.append_attribute("offset").set_value("utc");
    const auto timer = [&](const char* name, const char* attribute, const char* value) {
        auto node = clock.append_child("timer");
        node.append_attribute("name").set_value(name);
        node.append_attribute(attribute).set_value(value);
    };
    timer("rtc", "tickpolicy", "catchup");
    timer("pit", "tickpolicy", "delay");
    timer("hpet", "present", "no");
    child_text(domain, "on_poweroff", "destroy");
    child_text(domain, "on_reboot", "restart");
    child_text(domain, "on_crash", "destroy");
}

// QEMU before 9.0 loses writes of an emulated guest while its memory is copied: when the list of
// changed pages is read in whole words, the processors' TLBs are not told that these pages count as
// unchanged again (mended by QEMU's commit 03bfc2188f06). Memory that is no multiple of 64 pages is
// read page by page, which was always right. So an emulated guest gets two pages more than it was
// promised.
std::vector<std::string> uneven_memory(std::uint64_t memory_bytes) {
    constexpr std::uint64_t kTwoPagesBytes = 8192;
    const auto bytes = memory_bytes + kTwoPagesBytes;
    return {"-object",  fmt::format("memory-backend-ram,id=uneven.ram,size={}", bytes),
            "-machine", "memory-backend=uneven.ram",
            "-m",       fmt::format("{}k", bytes >> 10)};
}

void append_arguments(xml_node domain, const DomainSpec& spec) {
    std::vector<std::string> arguments;
    if (spec.accelerator == Accelerator::tcg) arguments = uneven_memory(spec.memory_bytes);
    if (const auto monitor = guard_path(spec.metadata)) {
        for (std::string each : {std::string("-chardev"), guard_socket(*monitor),
                                 std::string("-mon"), std::string("chardev=guard,mode=control")}) {
            arguments.push_back(std::move(each));
        }
    }
    if (arguments.empty()) return;
    domain.append_attribute("xmlns:qemu").set_value("http://libvirt.org/schemas/domain/qemu/1.0");
    auto command_line = domain.append_child("qemu:commandline");
    for (const auto& each : arguments) {
        command_line.append_child("qemu:arg").append_attribute("value").set_value(each.c_str());
    }
}

std::string write(const pugi::xml_document& document) {
    std::ostringstream stream;
    document.save(stream, "  ", pugi::format_indent | pugi::format_no_declaration);
    return stream.str();
}

}  // namespace

std::optional<std::string> guard_path(const std::map<std::string, std::string>& metadata) {
    for (const char* key : {"monitor", "spare_monitor"}) {
        if (const auto found = metadata.find(key); found != metadata.end()) return found->second;
    }
    return std::nullopt;
}

std::string to_domain_xml(const DomainSpec& spec) {
    pugi::xml_document document;
    auto domain = document.append_child("domain");
    domain.append_attribute("type").set_value(spec.accelerator == Accelerator::kvm ? "kvm"
                                                                                   : "qemu");
    child_text(domain, "name", spec.uuid.value());
    child_text(domain, "uuid", spec.uuid.value());
    const auto title = to_plain_text(spec.display_name, title_limit);
    if (!title.empty()) child_text(domain, "title", title);
    append_metadata(domain, spec);
    auto memory = domain.append_child("memory");
    memory.append_attribute("unit").set_value("KiB");
    memory.text().set(static_cast<unsigned long long>(spec.memory_bytes >> 10));
    child_text(domain, "vcpu", fmt::to_string(spec.cpu.vcpus));
    append_limits(domain, spec);
    append_sysinfo(domain, spec);
    append_os(domain, spec);
    append_features(domain, spec);
    append_cpu(domain, spec.cpu);
    append_clock(domain);
    auto devices = domain.append_child("devices");
    append_devices(devices, spec);
    append_arguments(domain, spec);
    return write(document);
}

std::string guard_socket(std::string path) {
    for (auto at = path.find(','); at != std::string::npos; at = path.find(',', at + 2)) {
        path.insert(at, 1, ',');
    }
    return fmt::format("{}path={},server=on,wait=off", guard_prefix, path);
}

std::string to_metadata_xml(const std::map<std::string, std::string>& metadata) {
    pugi::xml_document document;
    append_entries(document.append_child("machine"), metadata);
    return write(document);
}

}  // namespace drover::hypervisor::libvirt
