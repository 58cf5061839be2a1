#include "hypervisor/libvirt/live_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>
#include <sstream>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/libvirt/device_xml.hpp"
#include "hypervisor/libvirt/domain_xml.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using pugi::xml_node;

constexpr std::size_t entry_limit = 256;

pugi::xml_document parse(std::string_view xml) {
    pugi::xml_document document;
    const auto result = document.load_buffer(xml.data(), xml.size());
    if (!result)
        throw HypervisorError(
            ErrorKind::internal,
            fmt::format("domain XML: {} at byte {}", result.description(), result.offset));
    if (!document.child("domain"))
        throw HypervisorError(ErrorKind::internal, "domain XML: has no <domain>");
    return document;
}

template <class T>
std::optional<T> number(const char* text) {
    T value{};
    const std::string_view view = text;
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (error != std::errc{} || end != view.data() + view.size()) return std::nullopt;
    return value;
}

// Our element whatever prefix its namespace goes by.
xml_node find_metadata(xml_node domain) {
    for (auto element : domain.child("metadata").children())
        for (auto attribute : element.attributes())
            if (std::string_view(attribute.name()).starts_with("xmlns") &&
                std::string_view(attribute.value()) == metadata_namespace)
                return element;
    return {};
}

std::map<std::string, std::string> parse_entries(xml_node machine) {
    std::map<std::string, std::string> entries;
    for (auto element : machine.children()) {
        const std::string_view name = element.name();
        if (name != "entry" && !name.ends_with(":entry")) continue;
        if (entries.size() == entry_limit) break;
        entries.emplace(element.attribute("key").value(), element.attribute("value").value());
    }
    return entries;
}

void parse_vnc(xml_node devices, DomainInfo& info) {
    const auto graphics = devices.find_child_by_attribute("graphics", "type", "vnc");
    if (!graphics) return;
    info.vnc_address = graphics.attribute("listen").value();
    if (info.vnc_address.empty())
        info.vnc_address = graphics.child("listen").attribute("address").value();
    const auto port = number<std::uint16_t>(graphics.attribute("port").value());
    if (port && *port != 0) info.vnc_port = port;
}

bool same_mac(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

xml_node find_nic(const pugi::xml_document& document, std::string_view mac) {
    for (auto nic : document.child("domain").child("devices").children("interface")) {
        if (same_mac(nic.child("mac").attribute("address").value(), mac)) return nic;
    }
    throw HypervisorError(ErrorKind::not_found,
                          fmt::format("the domain has no network card {}", mac));
}

std::string write(xml_node node) {
    std::ostringstream stream;
    node.print(stream, "  ", pugi::format_indent);
    return stream.str();
}

}  // namespace

DomainInfo parse_live_xml(std::string_view xml) {
    const auto document = parse(xml);
    const auto domain = document.child("domain");
    const auto devices = domain.child("devices");
    DomainInfo info;
    info.uuid = DomainUuid(domain.child_value("uuid"));
    info.display_name =
        domain.child("title") ? domain.child_value("title") : domain.child_value("name");
    if (const auto machine = find_metadata(domain)) info.metadata = parse_entries(machine);
    parse_vnc(devices, info);
    for (auto channel : devices.children("channel")) {
        const auto target = channel.child("target");
        if (std::string_view(target.attribute("name").value()) == "org.qemu.guest_agent.0")
            info.agent_connected =
                std::string_view(target.attribute("state").value()) == "connected";
    }
    for (auto serial : devices.children("serial")) {
        const auto port = number<std::uint32_t>(serial.child("target").attribute("port").value());
        if (port && std::string_view(serial.attribute("type").value()) == "pty")
            info.serial_ptys[*port] = serial.child("source").attribute("path").value();
    }
    return info;
}

std::string media_change_xml(std::string_view live_xml, std::string_view target,
                             const std::optional<DiskImage>& media) {
    const auto document = parse(live_xml);
    for (auto disk : document.child("domain").child("devices").children("disk")) {
        if (disk.child("target").attribute("dev").value() != target) continue;
        if (std::string_view(disk.attribute("device").value()) == "disk")
            throw HypervisorError(ErrorKind::unsupported,
                                  fmt::format("disk {} takes no media", target));
        while (disk.remove_child("source")) {
        }
        while (disk.remove_child("backingStore")) {
        }
        disk.remove_child("alias");
        disk.attribute("type").set_value("file");
        if (media) {
            auto driver = disk.child("driver");
            if (!driver.attribute("type")) driver.append_attribute("type");
            driver.attribute("type").set_value(name_of(media->format));
            disk.append_child("source").append_attribute("file").set_value(media->path.c_str());
            disk.append_child("backingStore");
        }
        return write(disk);
    }
    throw HypervisorError(ErrorKind::not_found, fmt::format("the domain has no drive {}", target));
}

std::string disk_xml(std::string_view live_xml, std::string_view target) {
    const auto document = parse(live_xml);
    for (auto disk : document.child("domain").child("devices").children("disk")) {
        if (disk.child("target").attribute("dev").value() == target) return write(disk);
    }
    throw HypervisorError(ErrorKind::not_found, fmt::format("the domain has no disk {}", target));
}

std::vector<DiskMove> parse_disk_moves(std::string_view live_xml) {
    const auto document = parse(live_xml);
    std::vector<DiskMove> found;
    for (auto disk : document.child("domain").child("devices").children("disk")) {
        if (std::string_view(disk.attribute("device").value()) != "disk") continue;
        DiskMove move;
        move.target = disk.child("target").attribute("dev").value();
        move.path = disk.child("source").attribute("file").value();
        const auto mirror = disk.child("mirror");
        if (std::string_view(mirror.attribute("job").value()) == "copy") {
            move.destination_path = mirror.child("source").attribute("file").value();
            move.ready = std::string_view(mirror.attribute("ready").value()) == "yes";
        }
        found.push_back(std::move(move));
    }
    return found;
}

std::string nic_xml(std::string_view live_xml, std::string_view mac) {
    const auto document = parse(live_xml);
    return write(find_nic(document, mac));
}

std::string bridge_change_xml(std::string_view live_xml, std::string_view mac,
                              std::string_view bridge) {
    const auto document = parse(live_xml);
    auto nic = find_nic(document, mac);
    nic.child("source").attribute("bridge").set_value(std::string(bridge).c_str());
    return write(nic);
}

std::string link_change_xml(std::string_view live_xml, std::string_view mac, bool up) {
    const auto document = parse(live_xml);
    auto nic = find_nic(document, mac);
    auto link = nic.child("link") ? nic.child("link") : nic.append_child("link");
    if (!link.attribute("state")) link.append_attribute("state");
    link.attribute("state").set_value(up ? "up" : "down");
    return write(nic);
}

std::string keep_saved_cpu(const std::string& xml, std::string_view saved_xml) {
    auto document = parse(xml);
    auto domain = document.child("domain");
    auto cpu = domain.child("cpu");
    if (std::string_view(cpu.attribute("mode").value()) != "host-model") return xml;
    const auto saved = parse(saved_xml);
    const auto saved_cpu = saved.child("domain").child("cpu");
    if (!saved_cpu) return xml;
    domain.insert_copy_before(saved_cpu, cpu);
    domain.remove_child(cpu);
    return write(domain);
}

}  // namespace drover::hypervisor::libvirt
