// The file of the firmware's variables, which libvirt can't move while the domain runs. QEMU can,
// by the same mirror as for disks, so it is asked directly. libvirt does not learn of it: whatever
// needs the present file asks here.

#include "hypervisor/libvirt/nvram.hpp"

#include <fmt/format.h>
#include <libvirt/libvirt-qemu.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <sstream>
#include <thread>

#include "base/log.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using nlohmann::json;

constexpr const char* variables_device = "/machine/system.flash1";
constexpr const char* job = "drover-nvram";
constexpr std::chrono::seconds copy_limit{20};
constexpr std::chrono::milliseconds pause{20};

json ask(virDomainPtr domain, const char* command, json arguments = json::object()) {
    json request{{"execute", command}};
    if (!arguments.empty()) request["arguments"] = std::move(arguments);
    char* text = nullptr;
    if (virDomainQemuMonitorCommand(domain, request.dump().c_str(), &text, 0) < 0)
        throw_last_error(command);
    const CString owner(text);
    const json answer = json::parse(text, nullptr, false);
    if (!answer.is_object())
        throw HypervisorError(ErrorKind::internal, fmt::format("{}: no answer", command));
    if (answer.contains("return")) return answer.at("return");
    const std::string reason = answer.value("/error/desc"_json_pointer, "no reason given");
    throw HypervisorError(classify(0, 0, 0, reason), fmt::format("{}: {}", command, reason));
}

struct Place {
    std::string node;
    std::string path;
};

// Where the variables are; empty if the domain has none.
Place present(virDomainPtr domain) {
    for (const json& device : ask(domain, "query-block")) {
        if (device.value("qdev", "") != variables_device) continue;
        return {device.value("/inserted/node-name"_json_pointer, ""),
                device.value("/inserted/file"_json_pointer, "")};
    }
    return {};
}

json find_job(virDomainPtr domain) {
    for (const json& each : ask(domain, "query-block-jobs"))
        if (each.value("device", "") == job) return each;
    return nullptr;
}

template <class Done>
bool wait_for(virDomainPtr domain, Done done) {
    const auto end = std::chrono::steady_clock::now() + copy_limit;
    while (!done(find_job(domain))) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(pause);
    }
    return true;
}

void try_delete(virDomainPtr domain, const std::string& node) {
    try {
        ask(domain, "blockdev-del", {{"node-name", node}});
    } catch (const HypervisorError& error) {
        base::log_debug("the file of {} stays open: {}", node, error.what());
    }
}

// What an earlier attempt may have left.
void clear(virDomainPtr domain, const std::string& node) {
    if (find_job(domain) != nullptr) {
        ask(domain, "block-job-cancel", {{"device", job}, {"force", true}});
        wait_for(domain, [](const json& found) { return found == nullptr; });
    }
    try_delete(domain, node);
}

void copy(virDomainPtr domain, const std::string& from, const std::string& to) {
    ask(domain, "blockdev-mirror",
        {{"job-id", job},
         {"device", from},
         {"target", to},
         {"sync", "full"},
         {"copy-mode", "write-blocking"}});
    const bool came = wait_for(
        domain, [](const json& found) { return found == nullptr || found.value("ready", false); });
    if (!came || find_job(domain) == nullptr)
        throw HypervisorError(ErrorKind::internal, "the firmware's variables can't be copied");
    ask(domain, "block-job-complete", {{"device", job}});
    wait_for(domain, [](const json& found) { return found == nullptr; });
}

}  // namespace

void move_nvram(virConnectPtr connection, const DomainUuid& uuid, const std::string& path) {
    const auto domain = look_up(connection, uuid);
    const Place old = present(domain.get());
    if (old.node.empty())
        throw HypervisorError(ErrorKind::not_found, "the domain has no firmware variables");
    if (old.path == path) return;
    // Two names take turns.
    const std::string node = old.node == "drover-nvram-a" ? "drover-nvram-b" : "drover-nvram-a";
    clear(domain.get(), node);
    ask(domain.get(), "blockdev-add",
        {{"driver", "raw"},
         {"node-name", node},
         {"file", {{"driver", "file"}, {"filename", path}}}});
    try {
        copy(domain.get(), old.node, node);
    } catch (const HypervisorError&) {
        clear(domain.get(), node);
        throw;
    }
    if (present(domain.get()).path != path)
        throw HypervisorError(ErrorKind::internal, "the firmware keeps its old variables");
    try_delete(domain.get(), old.node);
    if (old.node == "libvirt-pflash1-format") try_delete(domain.get(), "libvirt-pflash1-storage");
}

std::string with_present_nvram(virDomainPtr domain, const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_string(xml.c_str())) return xml;
    auto nvram = document.child("domain").child("os").child("nvram");
    if (!nvram) return xml;
    const std::string path = present(domain).path;
    if (path.empty() || path == nvram.child_value()) return xml;
    nvram.text().set(path.c_str());
    std::ostringstream text;
    document.print(text, "  ", pugi::format_indent);
    return text.str();
}

}  // namespace drover::hypervisor::libvirt
