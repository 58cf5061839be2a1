#include "center/drs/report_endpoint.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "base/log.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/report.hpp"
#include "plan/drs/placement.hpp"
#include "plan/drs/what_if.hpp"

namespace drover::center {

using http::Request;
using http::Response;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::string_view kPrivilege = "System.Read";
constexpr std::chrono::minutes kLimit{5};
constexpr std::size_t kMostNamed = 1000;
// Why each machine stays is asked of every host.
constexpr std::size_t kMostExplained = 5000;

/// What is asked is no question that has an answer.
struct BadQuestion {
    std::string reason;
};

std::vector<std::string> items_of(std::optional<std::string_view> text) {
    std::vector<std::string> items;
    std::string_view rest = text.value_or("");
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        if (end > 0) items.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (items.size() > kMostNamed) throw BadQuestion{"There are too many names."};
    }
    return items;
}

plan::HostIndex host_named(const ClusterView& view, const std::string& id) {
    if (const auto at = view.host({TypeId::HostSystem, id})) return *at;
    throw BadQuestion{fmt::format("'{}' is no connected host of the cluster.", id)};
}

plan::MachineIndex machine_named(const ClusterView& view, const std::string& id) {
    if (const auto at = view.machine({TypeId::VirtualMachine, id})) return *at;
    throw BadQuestion{fmt::format("'{}' is no machine that runs in the cluster.", id)};
}

void add_rule(ClusterView& view, const Request& request, std::string_view name,
              plan::RuleKind kind) {
    const auto ids = items_of(request.target.query(name));
    if (ids.empty()) return;
    if (ids.size() < 2) throw BadQuestion{"A rule needs two machines or more."};
    plan::Rule rule;
    rule.name = "what if";
    rule.kind = kind;
    for (const auto& id : ids) rule.machines.push_back(machine_named(view, id));
    view.snapshot = plan::with_rule(std::move(view.snapshot), std::move(rule));
}

// The cluster as it would be.
void suppose(ClusterView& view, const Request& request) {
    const auto lost = items_of(request.target.query("without"));
    for (const auto& id : lost) {
        view.snapshot = plan::without_host(std::move(view.snapshot), host_named(view, id));
    }
    add_rule(view, request, "apart", plan::RuleKind::keep_apart);
    add_rule(view, request, "together", plan::RuleKind::keep_together);
    for (const auto& id : items_of(request.target.query("addHostLike"))) {
        plan::Host more = view.snapshot.hosts[host_named(view, id)];
        more.name = fmt::format("like {} ({})", more.name, view.hosts.size() + 1);
        more.usable = true;
        view.snapshot = plan::with_host(std::move(view.snapshot), std::move(more));
        view.hosts.push_back({TypeId::HostSystem, fmt::format("new-{}", view.hosts.size() + 1)});
    }
    for (const auto& id : items_of(request.target.query("addVmLike"))) {
        const auto like = machine_named(view, id);
        plan::Machine more = view.snapshot.machines[like];
        more.name = fmt::format("like {} ({})", more.name, view.machines.size() + 1);
        more.host = plan::kNone;
        view.snapshot = plan::with_machine(std::move(view.snapshot), more);
        // Where it would be started; then the rest is looked at.
        const plan::Cluster cluster(view.snapshot);
        const std::vector at{static_cast<plan::MachineIndex>(view.snapshot.machines.size() - 1)};
        const auto placed = plan::plan_power_on(cluster, at, view.settings.weights).placed;
        if (placed.empty()) throw BadQuestion{"No host has room for another such machine."};
        view.snapshot.machines.back().host = placed.front().host;
        view.machines.push_back(
            {TypeId::VirtualMachine, fmt::format("new-{}", view.machines.size() + 1)});
    }
}

Response refusal(int status, std::string_view text) {
    Response response = Response::text(status, std::string(text) + "\n");
    if (status == 401) {
        response.headers.set("WWW-Authenticate", "Basic realm=\"drover\", charset=\"UTF-8\"");
    }
    response.close = true;
    return response;
}

WhyNotWanted wanted_of(const ClusterView& view, const Request& request) {
    WhyNotWanted wanted;
    const auto asked = request.target.query("whyNot");
    if (!asked || asked->empty()) return wanted;
    if (*asked == "1") {
        if (view.machines.size() > kMostExplained) {
            throw BadQuestion{"The cluster is too large to explain every machine: name one."};
        }
        wanted.all = true;
        return wanted;
    }
    for (const auto& id : items_of(asked)) wanted.machines.push_back(machine_named(view, id));
    return wanted;
}

}  // namespace

// On the strand.
Awaitable<Response> DrsEndpoint::answer(Request request) {
    const auto caller = co_await parts_.callers.identify(caller_question(request));
    if (!caller) co_return refusal(401, "Log in first.");
    const MoRef cluster{TypeId::ClusterComputeResource,
                        std::string(request.target.query("cluster").value_or(""))};
    auto& context = parts_.drs.parts().context;
    if (context.inventory.find(cluster) == nullptr || !parts_.may(*caller, cluster, kPrivilege)) {
        co_return refusal(404, "There is no such cluster: cluster=domain-c7.");
    }
    std::shared_ptr<const ClusterView> view;
    ReportFacts facts;
    WhyNotWanted wanted;
    std::string problem;
    try {
        ClusterView now = parts_.drs.look(cluster);
        suppose(now, request);
        wanted = wanted_of(now, request);
        view = std::make_shared<const ClusterView>(std::move(now));
    } catch (const BadQuestion& question) {
        problem = question.reason;
    }
    if (!problem.empty()) co_return refusal(400, problem);
    const auto name = [&context](TypeId type, const std::string& id) {
        const std::string known = name_of(context, {type, id});
        return known.empty() ? id : known;
    };
    facts.cluster_name = name_of(context, cluster);
    for (DoneMove move : parts_.drs.history().of(cluster)) {
        move.machine = name(TypeId::VirtualMachine, move.machine);
        move.from = name(TypeId::HostSystem, move.from);
        move.to = name(TypeId::HostSystem, move.to);
        facts.history.push_back(std::move(move));
    }
    facts.moves = parts_.drs.history().count_of(cluster);
    facts.migrations_measured = parts_.drs.figures().migrations_measured();
    std::string text = co_await context.runtime.blocking(
        "drs:" + cluster.id,
        [view, facts, wanted] { return report_text(*view, think(*view), facts, wanted); }, kLimit);
    co_return Response::text(200, std::move(text), "application/json");
}

Awaitable<Response> DrsEndpoint::handle(Request request) {
    if (request.method != "GET") {
        Response refused = refusal(405, "Use GET.");
        refused.headers.set("Allow", "GET");
        co_return refused;
    }
    std::string problem;
    try {
        co_return co_await boost::asio::co_spawn(parts_.drs.parts().context.runtime.strand(),
                                                 answer(std::move(request)),
                                                 boost::asio::use_awaitable);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    base::log_warning("/drs: {}", problem);
    co_return refusal(500, problem);
}

}  // namespace drover::center
