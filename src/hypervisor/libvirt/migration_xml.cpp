#include "hypervisor/libvirt/migration_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/libvirt/domain_xml.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using pugi::xml_node;

constexpr std::size_t xml_limit_bytes = 4U << 20;
constexpr std::size_t cpu_limit_bytes = 64U << 10;

[[noreturn]] void refuse(const std::string& why) {
    throw HypervisorError(ErrorKind::invalid_spec, "migration: " + why);
}

pugi::xml_document parse(std::string_view xml, std::size_t limit, const char* root) {
    if (xml.size() > limit) refuse("the description is too long");
    pugi::xml_document document;
    const auto result = document.load_buffer(xml.data(), xml.size());
    if (!result || !document.child(root))
        throw HypervisorError(ErrorKind::internal,
                              fmt::format("migration: no <{}>: {}", root, result.description()));
    return document;
}

std::string text_of(xml_node node) {
    std::ostringstream text;
    node.print(text, "", pugi::format_raw);
    return text.str();
}

// Every attribute and text that names a file, a socket or a directory of the host.
void move_source(xml_node source, const std::map<std::string, std::string>& paths) {
    for (const char* name : {"file", "path", "dir"})
        if (auto attribute = source.attribute(name))
            attribute.set_value(map_path(attribute.value(), paths).c_str());
}

void move_chain(xml_node disk, const std::map<std::string, std::string>& paths) {
    for (auto layer = disk; layer; layer = layer.child("backingStore"))
        move_source(layer.child("source"), paths);
}

void place_copy(xml_node disk, const DiskCopy& copy) {
    auto source = disk.child("source");
    if (!source || std::string_view(disk.attribute("type").value()) != "file")
        refuse(fmt::format("disk {} is no file", copy.target));
    source.attribute("file").set_value(copy.destination_path.c_str());
    auto driver = disk.child("driver");
    auto type = driver.attribute("type");
    if (!type) type = driver.append_attribute("type");
    type.set_value(copy.destination_format == ImageFormat::raw ? "raw" : "qcow2");
    if (copy.top_layer_only) return;
    // One flat image; said explicitly, so that nothing is probed.
    disk.remove_child("backingStore");
    disk.insert_child_after("backingStore", source);
}

void move_disks(xml_node devices, const MigrationSpec& spec) {
    std::set<std::string> copied;
    for (auto disk : devices.children("disk")) {
        move_chain(disk, spec.paths);
        const std::string target = disk.child("target").attribute("dev").value();
        const auto copy = std::ranges::find(spec.disks_to_copy, target, &DiskCopy::target);
        if (copy == spec.disks_to_copy.end()) continue;
        place_copy(disk, *copy);
        copied.insert(target);
    }
    for (const auto& copy : spec.disks_to_copy)
        if (!copied.contains(copy.target)) refuse(fmt::format("there is no disk {}", copy.target));
}

void move_bridges(xml_node devices, const std::map<std::string, std::string>& bridges) {
    for (auto nic : devices.children("interface")) {
        auto bridge = nic.child("source").attribute("bridge");
        const auto found = bridges.find(bridge.value());
        if (bridge && found != bridges.end()) bridge.set_value(found->second.c_str());
    }
}

void replace_metadata(xml_node domain, const std::map<std::string, std::string>& entries) {
    auto metadata = domain.child("metadata");
    if (!metadata) metadata = domain.insert_child_before("metadata", domain.child("memory"));
    std::vector<xml_node> ours;
    for (auto element : metadata.children())
        for (auto attribute : element.attributes())
            if (std::string_view(attribute.value()) == metadata_namespace) ours.push_back(element);
    for (auto element : ours) metadata.remove_child(element);
    auto machine = metadata.append_child(fmt::format("{}:machine", metadata_prefix).c_str());
    machine.append_attribute(fmt::format("xmlns:{}", metadata_prefix).c_str())
        .set_value(metadata_namespace);
    for (const auto& [key, value] : entries) {
        auto entry = machine.append_child(fmt::format("{}:entry", metadata_prefix).c_str());
        entry.append_attribute("key").set_value(key.c_str());
        entry.append_attribute("value").set_value(value.c_str());
    }
}

// The second monitor (domain_xml.cpp) is where the destination has its own, or nowhere.
void move_monitor(xml_node domain, const std::map<std::string, std::string>& entries) {
    const auto monitor = guard_path(entries);
    auto arguments = domain.child("qemu:commandline");
    for (auto argument : arguments.children("qemu:arg")) {
        auto value = argument.attribute("value");
        if (!std::string_view(value.value()).starts_with(guard_prefix)) continue;
        if (monitor) {
            value.set_value(guard_socket(*monitor).c_str());
            return;
        }
        // -chardev SOCKET -mon chardev=guard,...
        const auto option = argument.previous_sibling();
        const auto mon = argument.next_sibling();
        for (const auto& each : {option, mon.next_sibling(), mon, argument})
            arguments.remove_child(each);
        return;
    }
}

void set_partition(xml_node domain, const std::string& partition) {
    auto resource = domain.child("resource");
    if (partition.empty()) {
        domain.remove_child(resource);
        return;
    }
    if (!resource) resource = domain.append_child("resource");
    auto element = resource.child("partition");
    if (!element) element = resource.append_child("partition");
    element.text().set(partition.c_str());
}

}  // namespace

std::string destination_xml(std::string_view migratable_xml, const MigrationSpec& spec) {
    auto document = parse(migratable_xml, xml_limit_bytes, "domain");
    auto domain = document.child("domain");
    auto devices = domain.child("devices");
    move_disks(devices, spec);
    move_bridges(devices, spec.bridges);
    if (auto nvram = domain.child("os").child("nvram")) {
        if (nvram.text()) nvram.text().set(map_path(nvram.text().get(), spec.paths).c_str());
        move_source(nvram.child("source"), spec.paths);
    }
    for (const char* kind : {"serial", "console", "channel", "parallel"})
        for (auto port : devices.children(kind)) {
            move_source(port.child("source"), spec.paths);
            auto log = port.child("log").attribute("file");
            if (log) log.set_value(map_path(log.value(), spec.paths).c_str());
        }
    if (spec.metadata) {
        replace_metadata(domain, *spec.metadata);
        move_monitor(domain, *spec.metadata);
    }
    if (spec.cgroup_partition) set_partition(domain, *spec.cgroup_partition);
    return text_of(domain);
}

std::string cpu_text(std::string_view migratable_xml) {
    const auto document = parse(migratable_xml, xml_limit_bytes, "domain");
    const auto domain = document.child("domain");
    const auto type = domain.child("os").child("type");
    pugi::xml_document out;
    auto guest = out.append_child("guest");
    guest.append_attribute("type").set_value(domain.attribute("type").value());
    guest.append_attribute("arch").set_value(type.attribute("arch").value());
    guest.append_attribute("machine").set_value(type.attribute("machine").value());
    if (const auto cpu = domain.child("cpu")) guest.append_copy(cpu);
    return text_of(guest);
}

CpuDemand parse_cpu_text(std::string_view text) {
    if (text.size() > cpu_limit_bytes) refuse("the CPU's description is too long");
    pugi::xml_document document;
    const bool is_xml = document.load_buffer(text.data(), text.size());
    const auto guest = document.child("guest");
    if (!is_xml || !guest) refuse("this is no description of a CPU");
    CpuDemand demand;
    demand.virt_type = guest.attribute("type").value();
    demand.arch = guest.attribute("arch").value();
    demand.machine = guest.attribute("machine").value();
    const auto cpu = guest.child("cpu");
    // A running domain has a named model; only QEMU's own "maximum" stays what it is.
    if (std::string_view(cpu.attribute("mode").value()) == "custom") demand.cpu_xml = text_of(cpu);
    return demand;
}

}  // namespace drover::hypervisor::libvirt
