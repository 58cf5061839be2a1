#include "cli/drs_report.hpp"

#include <fmt/format.h>

#include "cli/arguments.hpp"
#include "cli/text.hpp"

namespace drover::cli {

using nlohmann::json;

namespace {

// A large cluster is thought about anew for each question.
constexpr std::chrono::minutes kLimit{5};

}  // namespace

json drs_report(Context& context, const vim::MoRef& cluster, const std::string& questions) {
    client::WireRequest request;
    request.target = fmt::format("/drs?cluster={}{}", cluster.id, questions);
    request.response_timeout = kLimit;
    const auto response = context.connection().send(std::move(request));
    if (response.status != 200) {
        const std::string reason = printable(response.body.substr(0, response.body.find('\n')));
        throw std::runtime_error(reason.empty() ? fmt::format("HTTP status {}", response.status)
                                                : reason);
    }
    json document = json::parse(response.body, nullptr, false);
    if (!document.is_object()) throw std::runtime_error("the center's answer is no report of DRS");
    return document;
}

client::Named drs_cluster(Context& context, const std::string& name) {
    auto& connection = context.connection();
    if (connection.content().about().apiType() != "VirtualCenter") {
        throw UsageError("this is a host; only a center has clusters");
    }
    if (!name.empty()) return client::find(connection, vim::TypeId::ClusterComputeResource, name);
    const auto all = client::retrieve(connection, vim::TypeId::ClusterComputeResource, {"name"});
    if (all.size() == 1) return {all.front().object(), all.front().text("name")};
    throw UsageError(all.empty() ? "the center has no cluster"
                                 : "the center has several clusters: name one");
}

}  // namespace drover::cli
