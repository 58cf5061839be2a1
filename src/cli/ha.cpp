// drover ha: whether a cluster restarts the machines of a host that dies, and which.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/drs_report.hpp"
#include "vim/inventory_types.hpp"

namespace drover::cli {
namespace {

using vim::TypeId;
using vim::Value;

struct Options {
    std::string cluster;
    std::string priority;
    std::string isolation;
    std::optional<int> failures;
    bool no_admission = false;
};

void set(Value& object, std::string_view name, Value value) {
    object.set_slot(*vim::describe(object.type()).find_property(name), std::move(value));
}

Value at(const Value& object, std::string_view name) {
    return object.kind() == vim::ValueKind::object ? object.property(name) : Value{};
}

std::string text_at(const Value& object, std::string_view name) {
    const Value value = at(object, name);
    const bool is_text =
        value.kind() == vim::ValueKind::string || value.kind() == vim::ValueKind::enumeration;
    return is_text ? std::string(value.as_string()) : std::string();
}

std::optional<bool> flag_at(const Value& object, std::string_view name) {
    const Value value = at(object, name);
    if (value.kind() != vim::ValueKind::boolean) return std::nullopt;
    return value.as_boolean();
}

Table hosts_table(Context& context, const vim::MoRef& cluster) {
    Table table({{"host", "HOST"}, {"state", "STATE"}});
    for (const auto& host :
         client::retrieve(context.connection(), TypeId::HostSystem,
                          {"name", "runtime.connectionState", "runtime.dasHostState"}, cluster)) {
        const bool answers = host.text("runtime.connectionState") == "connected";
        std::string state = text_at(host.get("runtime.dasHostState"), "state");
        if (state.empty()) state = "off";
        table.add({text_cell(host.text("name")), text_cell(answers ? state : "does not answer")});
    }
    table.sort_by(0);
    return table;
}

Table machines_table(Context& context, const vim::MoRef& cluster) {
    Table table({{"vm", "VM"}, {"power", "POWER"}, {"protected", "PROTECTED"}});
    auto& connection = context.connection();
    const auto pool = client::retrieve_object(connection, cluster, {"resourcePool"});
    const auto root = pool.reference("resourcePool");
    if (!root) return table;
    for (const auto& machine :
         client::retrieve(connection, TypeId::VirtualMachine,
                          {"name", "runtime.powerState", "runtime.dasVmProtection"}, *root)) {
        table.add({text_cell(machine.text("name")), text_cell(machine.text("runtime.powerState")),
                   yes_no_cell(flag_at(machine.get("runtime.dasVmProtection"), "dasProtected"))});
    }
    table.sort_by(0);
    return table;
}

void show(Context& context, const Options& options) {
    const auto cluster = drs_cluster(context, options.cluster);
    auto& connection = context.connection();
    const auto object =
        client::retrieve_object(connection, cluster.reference, {"configurationEx", "summary"});
    const Value das = at(object.get("configurationEx"), "dasConfig");
    const Value defaults = at(das, "defaultVmSettings");
    const bool enabled = flag_at(das, "enabled").value_or(false);
    Report report;
    report.add("cluster", "Cluster", text_cell(cluster.name));
    report.add("enabled", "High availability", yes_no_cell(enabled));
    report.add("restart_priority", "Restart priority",
               text_cell(text_at(defaults, "restartPriority")));
    report.add("isolation_response", "Isolation response",
               text_cell(text_at(defaults, "isolationResponse")));
    report.add("admission_control", "Admission control",
               yes_no_cell(flag_at(das, "admissionControlEnabled")));
    const Value wanted = at(das, "failoverLevel");
    if (wanted)
        report.add("failures_planned", "Failures to bear", number_cell(wanted.as_integer()));
    const Value level = at(object.get("summary"), "currentFailoverLevel");
    if (level && enabled) {
        report.add("failures_borne", "Failures it bears now", number_cell(level.as_integer()));
    }
    const Value info = connection.call("RetrieveDasAdvancedRuntimeInfo", cluster.reference);
    std::string datastores;
    if (const Value list = at(info, "heartbeatDatastoreInfo")) {
        for (const Value& each : list.elements()) {
            const auto datastore = client::retrieve_object(
                connection, each.property("datastore").as_moref(), {"name"});
            datastores += (datastores.empty() ? "" : " ") + datastore.text("name");
        }
    }
    report.add("datastore", "Hosts watch on", text_cell(datastores));
    report.add("hosts", "Hosts", hosts_table(context, cluster.reference));
    report.add("vms", "Machines", machines_table(context, cluster.reference));
    context.print(report);
}

void reconfigure(Context& context, const Options& options, bool enabled) {
    const auto cluster = drs_cluster(context, options.cluster);
    Value das = vim::make_object(TypeId::ClusterDasConfigInfo);
    set(das, "enabled", Value::boolean(enabled));
    if (!options.priority.empty() || !options.isolation.empty()) {
        Value settings = vim::make_object(TypeId::ClusterDasVmSettings);
        if (!options.priority.empty()) {
            set(settings, "restartPriority", Value::string(options.priority));
        }
        if (!options.isolation.empty()) {
            set(settings, "isolationResponse", Value::string(options.isolation));
        }
        set(das, "defaultVmSettings", settings);
    }
    if (options.failures) {
        set(das, "admissionControlEnabled", Value::boolean(true));
        Value policy = vim::make_object(TypeId::ClusterFailoverLevelAdmissionControlPolicy);
        set(policy, "failoverLevel", Value::int_(*options.failures));
        set(das, "admissionControlPolicy", policy);
    }
    if (options.no_admission) set(das, "admissionControlEnabled", Value::boolean(false));
    Value spec = vim::make_object(TypeId::ClusterConfigSpecEx);
    set(spec, "dasConfig", das);
    auto request = vim::ReconfigureComputeResource_TaskRequest::make();
    request.set_spec(vim::ComputeResourceConfigSpec(spec));
    request.set_modify(true);
    auto& connection = context.connection();
    run_jobs(context, enabled ? "high availability is on" : "high availability is off",
             {{cluster.name, [&] {
                   return connection.start("ReconfigureComputeResource_Task", cluster.reference,
                                           request);
               }}});
}

CLI::App* command(CLI::App& parent, const std::string& name, const std::string& help,
                  const std::shared_ptr<Options>& options) {
    auto* made = parent.add_subcommand(name, help);
    made->add_option("CLUSTER", options->cluster, "which; may be left out if there is one");
    return made;
}

}  // namespace

void add_ha(CLI::App& parent, Context& context) {
    const auto options = std::make_shared<Options>();
    command(parent, "show", "What is protected in a cluster, and by which hosts", options)
        ->callback([&context, options] { show(context, *options); });

    auto* enable = command(parent, "enable", "Restart the machines of a host that dies", options);
    enable->add_option("--priority", options->priority, "of machines that have none of their own")
        ->check(CLI::IsMember({"disabled", "lowest", "low", "medium", "high", "highest"}));
    enable
        ->add_option("--isolation", options->isolation,
                     "what a host does with machines when it is cut off from the others")
        ->check(CLI::IsMember({"none", "powerOff", "shutdown"}));
    auto* failures = enable->add_option("--failures", options->failures,
                                        "start nothing without which so many hosts may fail");
    failures->check(CLI::Range(0, 31));
    enable->add_flag("--no-admission", options->no_admission, "start machines whatever may fail")
        ->excludes(failures);
    enable->footer("\nExample:\n  drover ha enable Cluster --failures 1");
    enable->callback([&context, options] { reconfigure(context, *options, true); });

    command(parent, "disable", "Leave the machines of a host that dies", options)
        ->callback([&context, options] { reconfigure(context, *options, false); });
}

}  // namespace drover::cli
