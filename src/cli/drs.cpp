// drover drs: what DRS sees, would do and has done, and why.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/drs_report.hpp"
#include "vim/drs_types.hpp"
#include "vim/relocation_types.hpp"

namespace drover::cli {
namespace {

using nlohmann::json;

struct Options {
    std::string cluster;
    std::string machine;
    std::vector<std::string> keys;
    bool all = false;
    std::vector<std::string> without;
    std::vector<std::string> add_host_like;
    std::vector<std::string> add_vm_like;
    std::vector<std::string> apart;
    std::vector<std::string> together;
};

std::string text_of(const json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_of(const json& object, const char* key) {
    const auto at = object.find(key);
    if (at == object.end() || !at->is_number()) return std::nullopt;
    return static_cast<std::int64_t>(at->get<double>());
}

Cell decimal_cell(const json& object, const char* key) {
    const auto at = object.find(key);
    if (at == object.end() || !at->is_number()) return nothing();
    const double value = at->get<double>();
    return {fmt::format("{:.2f}", value), value, true};
}

bool is_true(const json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_boolean() && at->get<bool>();
}

const json& list_of(const json& object, const char* key) {
    static const json none = json::array();
    const auto at = object.find(key);
    return at != object.end() && at->is_array() ? *at : none;
}

std::optional<std::int64_t> percent(const json& host, const char* part, const char* whole) {
    const auto used = integer_of(host, part);
    const auto all = integer_of(host, whole);
    if (!used || !all || *all <= 0) return std::nullopt;
    return *used * 100 / *all;
}

Table hosts_table(const json& report) {
    Table table({{"name", "HOST"},
                 {"takes_vms", "TAKES VMS"},
                 {"vms", "VMS"},
                 {"cpu_percent", "CPU"},
                 {"cpu_demand_mhz", "CPU DEMAND"},
                 {"memory_percent", "MEMORY"},
                 {"memory_demand_bytes", "MEM DEMAND"}});
    for (const json& host : list_of(report, "hosts")) {
        table.add({text_cell(text_of(host, "name")), yes_no_cell(is_true(host, "takesMachines")),
                   number_cell(integer_of(host, "vms")),
                   percent_cell(percent(host, "cpuDemandMhz", "cpuMhz")),
                   mhz_cell(integer_of(host, "cpuDemandMhz")),
                   percent_cell(percent(host, "memoryDemandBytes", "memoryBytes")),
                   bytes_cell(integer_of(host, "memoryDemandBytes"))});
    }
    return table;
}

Table moves_table(const json& report) {
    Table table({{"vm", "VM"},
                 {"from", "FROM"},
                 {"to", "TO"},
                 {"priority", "PRIORITY"},
                 {"benefit_host_seconds", "BENEFIT"},
                 {"cost_host_seconds", "COST"},
                 {"automatic", "AUTOMATIC"},
                 {"explanation", "WHY"}});
    for (const json& move : list_of(report, "moves")) {
        table.add({text_cell(text_of(move, "name")), text_cell(text_of(move, "from")),
                   text_cell(text_of(move, "to")), number_cell(integer_of(move, "priority")),
                   decimal_cell(move, "benefitHostSeconds"), decimal_cell(move, "costHostSeconds"),
                   yes_no_cell(is_true(move, "automatic")),
                   text_cell(text_of(move, "explanation"))});
    }
    return table;
}

Table obstacles_table(const json& report) {
    Table table({{"vm", "VM"}, {"problem", "PROBLEM"}});
    for (const json& each : list_of(report, "obstacles")) {
        table.add({text_cell(text_of(each, "name")), text_cell(text_of(each, "reason"))});
    }
    for (const json& rule : list_of(report, "brokenRules")) {
        for (const json& name : list_of(rule, "vms")) {
            if (!name.is_string()) continue;
            table.add({text_cell(name.get<std::string>()),
                       text_cell(fmt::format("breaks the rule '{}'", text_of(rule, "rule")))});
        }
    }
    return table;
}

void add_head(Report& report, const json& document) {
    report.add("cluster", "Cluster", text_cell(text_of(document, "name")));
    report.add("enabled", "DRS", yes_no_cell(is_true(document, "enabled")));
    report.add("automation", "Automation", text_cell(text_of(document, "automation")));
    report.add("threshold", "Threshold", number_cell(integer_of(document, "threshold")));
    report.add("score", "Score", percent_cell(integer_of(document, "score")));
    report.add("imbalance", "Imbalance", decimal_cell(document, "imbalance"));
    report.add("imbalance_after", "Afterwards", decimal_cell(document, "imbalanceAfter"));
}

void show(Context& context, const Options& options) {
    const auto cluster = drs_cluster(context, options.cluster);
    const json document = drs_report(context, cluster.reference);
    Report report;
    add_head(report, document);
    report.add("moves_made", "Moves made", number_cell(integer_of(document, "movesMade")));
    report.add("hosts", "Hosts", hosts_table(document));
    Table machines({{"name", "VM"},
                    {"host", "HOST"},
                    {"score", "SCORE"},
                    {"cpu_demand_mhz", "CPU DEMAND"},
                    {"memory_demand_bytes", "MEM DEMAND"},
                    {"automation", "AUTOMATION"}});
    for (const json& vm : list_of(document, "vms")) {
        machines.add({text_cell(text_of(vm, "name")), text_cell(text_of(vm, "host")),
                      percent_cell(integer_of(vm, "score")),
                      mhz_cell(integer_of(vm, "cpuDemandMhz")),
                      bytes_cell(integer_of(vm, "memoryDemandBytes")),
                      text_cell(text_of(vm, "automation"))});
    }
    machines.sort_by(0);
    report.add("vms", "Machines", std::move(machines));
    context.print(report);
}

std::string references(Context& context, const char* question, vim::TypeId type,
                       const std::vector<std::string>& names) {
    if (names.empty()) return {};
    std::string text = fmt::format("&{}=", question);
    for (std::size_t at = 0; at < names.size(); ++at) {
        const auto found = client::find(context.connection(), type, names[at]);
        text += fmt::format("{}{}", at == 0 ? "" : ",", found.reference.id);
    }
    return text;
}

void plan(Context& context, const Options& options) {
    const auto cluster = drs_cluster(context, options.cluster);
    constexpr auto kHost = vim::TypeId::HostSystem;
    constexpr auto kMachine = vim::TypeId::VirtualMachine;
    std::string questions = references(context, "without", kHost, options.without);
    questions += references(context, "addHostLike", kHost, options.add_host_like);
    questions += references(context, "addVmLike", kMachine, options.add_vm_like);
    questions += references(context, "apart", kMachine, options.apart);
    questions += references(context, "together", kMachine, options.together);
    const json document = drs_report(context, cluster.reference, questions);
    Report report;
    add_head(report, document);
    report.add("moves", "Moves", moves_table(document));
    report.add("problems", "Problems", obstacles_table(document));
    if (!questions.empty()) report.add("hosts", "Hosts as they would be", hosts_table(document));
    context.print(report);
    if (!context.json() && list_of(document, "moves").empty()) {
        context.say("nothing would move");
    }
}

/// The recommendations that wait for somebody.
std::vector<vim::ClusterRecommendation> waiting(Context& context, const client::Named& cluster) {
    const auto object =
        client::retrieve_object(context.connection(), cluster.reference, {"recommendation"});
    std::vector<vim::ClusterRecommendation> found;
    for (const auto& each :
         vim::ArrayView<vim::ClusterRecommendation>(object.get("recommendation"))) {
        found.push_back(each);
    }
    return found;
}

void explain(Context& context, const Options& options) {
    const auto cluster = drs_cluster(context, options.cluster);
    Table table({{"key", "KEY"}, {"rating", "RATING"}, {"reason", "REASON"}, {"text", "WHY"}});
    for (const auto& each : waiting(context, cluster)) {
        table.add({text_cell(std::string(each.key())), number_cell(each.rating()),
                   text_cell(std::string(each.reason())),
                   text_cell(std::string(each.reasonText()))});
    }
    const json document = drs_report(context, cluster.reference);
    Table history({{"time", "TIME"}, {"vm", "VM"}, {"from", "FROM"}, {"to", "TO"}, {"why", "WHY"}});
    for (const json& move : list_of(document, "history")) {
        history.add({text_cell(text_of(move, "time")), text_cell(text_of(move, "name")),
                     text_cell(text_of(move, "from")), text_cell(text_of(move, "to")),
                     text_cell(text_of(move, "reason"))});
    }
    Report report;
    report.add("cluster", "Cluster", text_cell(cluster.name));
    report.add("recommendations", "Recommended", std::move(table));
    report.add("history", "Done", std::move(history));
    report.add("problems", "Problems", obstacles_table(document));
    context.print(report);
}

void apply(Context& context, const Options& options) {
    const auto cluster = drs_cluster(context, options.cluster);
    auto& connection = context.connection();
    std::vector<std::string> keys = options.keys;
    if (options.all) {
        connection.call("RefreshRecommendation", cluster.reference);
        for (const auto& each : waiting(context, cluster)) keys.emplace_back(each.key());
        if (keys.empty()) {
            context.say("nothing is recommended");
            return;
        }
    }
    if (keys.empty()) throw UsageError("name recommendations by their keys, or say --all");
    for (const auto& key : keys) {
        // One that another needed has begun with that.
        bool waits = !options.all;
        for (const auto& each :
             options.all ? waiting(context, cluster) : std::vector<vim::ClusterRecommendation>{}) {
            waits |= each.key() == key;
        }
        if (!waits) continue;
        auto request = vim::ApplyRecommendationRequest::make();
        request.set_key(key);
        connection.call("ApplyRecommendation", cluster.reference, request.raw());
        context.say(fmt::format("{}: recommendation {} is being carried out", cluster.name, key));
    }
}

void why_not(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto cluster = drs_cluster(context, options.cluster);
    std::string question = "&whyNot=1";
    if (!options.machine.empty()) {
        const auto machine = client::find(connection, vim::TypeId::VirtualMachine, options.machine);
        question = fmt::format("&whyNot={}", machine.reference.id);
    }
    const json document = drs_report(context, cluster.reference, question);
    Table table({{"vm", "VM"},
                 {"host", "HOST"},
                 {"best_other", "BEST OTHER"},
                 {"benefit_host_seconds", "BENEFIT"},
                 {"cost_host_seconds", "NEEDED"},
                 {"why", "WHY IT STAYS"}});
    for (const json& vm : list_of(document, "vms")) {
        const bool moves = is_true(vm, "moves");
        if (!vm.contains("whyNot") && !(moves && !options.machine.empty())) continue;
        table.add({text_cell(text_of(vm, "name")), text_cell(text_of(vm, "host")),
                   text_cell(text_of(vm, "best")), decimal_cell(vm, "benefitHostSeconds"),
                   decimal_cell(vm, "costHostSeconds"), text_cell(text_of(vm, "whyNot"))});
    }
    table.sort_by(0);
    context.print(table);
}

CLI::App* command(CLI::App& parent, const std::string& name, const std::string& help,
                  const std::shared_ptr<Options>& options) {
    auto* made = parent.add_subcommand(name, help);
    if (name != "why-not") {
        made->add_option("CLUSTER", options->cluster, "which; may be left out if there is one");
    }
    return made;
}

}  // namespace

void add_drs(CLI::App& parent, Context& context) {
    const auto options = std::make_shared<Options>();
    command(parent, "show", "How evenly a cluster is loaded, and how well its machines are served",
            options)
        ->callback([&context, options] { show(context, *options); });

    auto* what_if =
        command(parent, "plan", "What DRS would do now, or if something were different", options);
    what_if->add_option("--without", options->without, "if this host took no machines")
        ->type_name("HOST");
    what_if
        ->add_option("--add-host-like", options->add_host_like, "if there were another such host")
        ->type_name("HOST");
    what_if->add_option("--add-vm-like", options->add_vm_like, "if another such machine ran")
        ->type_name("VM");
    what_if->add_option("--apart", options->apart, "if these were to be kept apart")
        ->type_name("VM");
    what_if->add_option("--together", options->together, "if these were to be kept together")
        ->type_name("VM");
    what_if->footer("\nExample:\n  drover drs plan Cluster --without host3");
    what_if->callback([&context, options] { plan(context, *options); });

    command(parent, "explain", "Why something is recommended, and what was done", options)
        ->callback([&context, options] { explain(context, *options); });

    auto* applies = parent.add_subcommand("apply", "Carry out recommendations");
    applies->add_option("KEY", options->keys, "which (drover drs explain)");
    applies->add_flag("--all", options->all, "look anew, and carry out whatever is recommended");
    applies->add_option("--cluster", options->cluster, "of which cluster, if there are several");
    applies->callback([&context, options] { apply(context, *options); });

    auto* stays = parent.add_subcommand("why-not", "Why machines stay where they are");
    stays->add_option("VM", options->machine, "which; all if it is left out");
    stays->add_option("--cluster", options->cluster, "of which cluster, if there are several");
    stays->callback([&context, options] { why_not(context, *options); });
}

}  // namespace drover::cli
