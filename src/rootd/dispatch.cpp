#include "rootd/dispatch.hpp"

#include <system_error>

#include "base/log.hpp"

namespace drover::rootd {
namespace {

struct Carrier {
    const Policy& policy;
    const std::string& version;

    Message operator()(const PrepareDatastore& request) const {
        prepare_datastore(policy, request);
        return {};
    }
    Message operator()(const Reclaim& request) const {
        reclaim(policy, request);
        return {};
    }
    Message operator()(const EnsureBridge& request) const {
        ensure_bridge(policy, request);
        return {};
    }
    Message operator()(const RemoveBridge& request) const {
        remove_bridge(policy, request);
        return {};
    }
    Message operator()(const ListServices&) const { return list_services(policy); }
    Message operator()(const ControlService& request) const {
        control_service(policy, request);
        return {};
    }
    Message operator()(const SetTimeZone& request) const {
        set_time_zone(policy, request);
        return {};
    }
    Message operator()(const SetClock& request) const {
        set_clock(policy, request);
        return {};
    }
    Message operator()(const SetTimeServers& request) const {
        set_time_servers(policy, request);
        return {};
    }
    Message operator()(const PowerComputer& request) const {
        power_computer(policy, request);
        return {};
    }
    Message operator()(const SystemIdentityRequest&) const { return system_identity(policy); }
    Message operator()(const VersionRequest&) const {
        return {{"version", version},
                {"bridge_prefix", policy.bridge_prefix},
                {"controls_system", policy.controls_system ? "yes" : "no"}};
    }
};

void audit(const Peer& peer, std::string_view what, std::string_view outcome) {
    const auto level = outcome == "done" ? base::LogLevel::info : base::LogLevel::warning;
    base::log(level, "audit: uid {} pid {}: {}: {}", peer.uid, peer.pid, what, outcome);
}

Message failed(const char* status, std::string_view reason) {
    return {{"status", status}, {"reason", std::string(reason)}};
}

Message carry_out(const Carrier& carrier, const Request& request) {
    try {
        Message result = std::visit(carrier, request);
        result["status"] = "done";
        return result;
    } catch (const Refused& refused) {
        return failed("refused", refused.what());
    } catch (const std::exception& error) {
        return failed("failed", error.what());
    }
}

}  // namespace

std::string answer(const Policy& policy, const std::string& version, const Peer& peer,
                   std::string_view request_text) {
    const auto request = parse_request(request_text);
    if (!request) return refusal(peer, request.error());
    const Message result = carry_out({policy, version}, *request);
    const auto reason = result.find("reason");
    audit(peer, format_message(to_message(*request)),
          reason == result.end() ? "done" : result.at("status") + ": " + reason->second);
    return format_message(result);
}

std::string refusal(const Peer& peer, std::string_view reason) {
    audit(peer, "request", fmt::format("refused: {}", reason));
    return format_message(failed("refused", reason));
}

}  // namespace drover::rootd
