#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/datastore_files.hpp"
#include "cli/placement.hpp"
#include "cli/vm.hpp"
#include "cli/vm_create_spec.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::optional<std::int32_t> cpus;
    std::string memory;
    std::string guest;
    std::string firmware;
    std::string notes;
    std::string from;
    std::vector<std::string> disks;
    std::vector<std::string> nics;
    std::vector<std::string> isos;
    std::vector<std::string> serial_ports;
    WantedPlace place;
    bool no_nic = false;
    bool start = false;
};

constexpr std::int64_t kMebibyte = 1 << 20;

// What a template gives: its disk, and the settings that the user did not state.
struct Template {
    BaseDisk disk;
    std::optional<std::int64_t> cpus;
    std::optional<std::int64_t> memory_mebibytes;
    std::string guest_id;
    std::string firmware;
    bool is_machine = false;  // not just a disk: then its cards are known
    std::vector<NicArgument> nics;
};

Template template_from_machine(client::Connection& connection, const client::Named& machine) {
    const auto vm =
        client::retrieve_object(connection, machine.reference,
                                {"config.hardware.device", "config.hardware.numCPU",
                                 "config.hardware.memoryMB", "config.guestId", "config.firmware"});
    Template out;
    out.is_machine = true;
    bool found = false;
    for (const auto& device : vm.objects<vim::VirtualDevice>("config.hardware.device")) {
        const auto disk = device.as<vim::VirtualDisk>();
        const auto card = device.as<vim::VirtualEthernetCard>();
        const auto network = device.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
        if (card && network) {
            NicArgument nic;
            nic.network = network.deviceName();
            if (device.is<vim::VirtualE1000>()) nic.model = "e1000";
            if (device.is<vim::VirtualE1000e>()) nic.model = "e1000e";
            out.nics.push_back(std::move(nic));
        }
        if (!disk || found) continue;
        out.disk = {require_datastore_path("from", file_of(device), ".vmdk"),
                    disk.capacityInBytes().value_or(disk.capacityInKB() * 1024)};
        found = true;
    }
    if (!found) throw client::LookupError(fmt::format("{} has no disk", machine.name));
    out.cpus = vm.integer("config.hardware.numCPU");
    out.memory_mebibytes = vm.integer("config.hardware.memoryMB");
    out.guest_id = vm.text("config.guestId");
    out.firmware = vm.text("config.firmware");
    return out;
}

// A machine that lies on a datastore, but is not in the inventory: NAME/NAME.vmdk.
Template template_from_directory(client::Connection& connection, const Options& options) {
    const auto datastores =
        client::retrieve(connection, vim::TypeId::Datastore, {"name", "summary.accessible"});
    for (const auto& datastore : datastores) {
        const std::string name = datastore.text("name");
        if (!options.place.datastore.empty() && options.place.datastore != name) continue;
        if (!datastore.boolean("summary.accessible").value_or(false)) continue;
        const std::string file = options.from + "/" + options.from + ".vmdk";
        try {
            const auto disk = find_disk(connection, {name, file});
            Template out;
            out.disk = {disk.file, disk.capacity_bytes};
            return out;
        } catch (const vim::Fault& fault) {
            if (!vim::is_a(fault.fault().dynamic_type(), vim::TypeId::FileNotFound)) throw;
        } catch (const client::LookupError&) {
            continue;
        }
    }
    throw client::LookupError(fmt::format(
        "there is no machine \"{0}\", and no disk {0}/{0}.vmdk on any datastore", options.from));
}

Template find_template(client::Connection& connection, const Options& options) {
    if (parse_datastore_path(options.from)) {
        const auto file = require_datastore_path("from", options.from, ".vmdk");
        const auto disk = find_disk(connection, file);
        Template out;
        out.disk = {file, disk.capacity_bytes};
        return out;
    }
    if (options.from.empty()) throw UsageError("from: the name is empty");
    std::optional<client::Named> machine;
    try {
        machine = client::find(connection, vim::TypeId::VirtualMachine, options.from);
    } catch (const client::LookupError&) {
        if (options.from.contains('/')) throw;
    }
    return machine ? template_from_machine(connection, *machine)
                   : template_from_directory(connection, options);
}

void apply_template(const Template& base, NewMachine& machine) {
    machine.base = base.disk;
    if (base.cpus && *base.cpus > 0 && *base.cpus < 4096) {
        machine.cpus = static_cast<std::int32_t>(*base.cpus);
    }
    if (base.memory_mebibytes && *base.memory_mebibytes > 0 &&
        *base.memory_mebibytes < (1LL << 40)) {
        machine.memory_bytes = *base.memory_mebibytes * kMebibyte;
    }
    if (!base.guest_id.empty()) machine.guest_id = base.guest_id;
    if (!base.firmware.empty()) machine.firmware = base.firmware;
    machine.nics = base.nics;
}

void apply_options(const Options& options, NewMachine& machine) {
    machine.name = options.name;
    if (options.cpus) machine.cpus = *options.cpus;
    if (!options.memory.empty()) machine.memory_bytes = parse_size("memory", options.memory);
    if (!options.guest.empty()) machine.guest_id = options.guest;
    if (!options.firmware.empty()) machine.firmware = parse_firmware(options.firmware);
    machine.notes = options.notes;
    for (const auto& disk : options.disks) machine.disks.push_back(parse_disk(disk));
    if (!options.nics.empty() || options.no_nic) machine.nics.clear();
    for (const auto& nic : options.nics) machine.nics.push_back(parse_nic(nic));
    machine.isos = options.isos;
    machine.serial_ports = options.serial_ports;
}

// For a clone of a bare disk, which tells nothing of networks: VMware's own default, else the
// host's first.
std::vector<NicArgument> default_nics(client::Connection& connection, const vim::MoRef& host) {
    const auto networks =
        client::retrieve_object(connection, host, {"network"}).references("network");
    std::string chosen;
    for (const auto& network :
         client::retrieve_objects(connection, vim::TypeId::Network, networks, {"name"})) {
        const std::string name = network.text("name");
        if (name == "VM Network") return {parse_nic(name)};
        if (chosen.empty() || name < chosen) chosen = name;
    }
    return chosen.empty() ? std::vector<NicArgument>{} : std::vector{parse_nic(chosen)};
}

void run(Context& context, const Options& options) {
    NewMachine machine;
    machine.memory_bytes = 1024 * kMebibyte;
    apply_options(options, machine);  // errors of the command line before anything is asked
    machine.datastore = "x";
    make_spec(machine);

    auto& connection = context.connection();
    WantedPlace wanted = options.place;
    bool choose_nics = false;
    if (!options.from.empty()) {
        const auto base = find_template(connection, options);
        if (!wanted.datastore.empty() && wanted.datastore != base.disk.file.datastore) {
            throw UsageError(
                fmt::format("from: {} is not on the datastore \"{}\"; a linked clone "
                            "must be where its disk's base is",
                            base.disk.file.to_string(), wanted.datastore));
        }
        wanted.datastore = base.disk.file.datastore;
        machine = NewMachine{};
        machine.memory_bytes = 1024 * kMebibyte;
        apply_template(base, machine);
        apply_options(options, machine);
        choose_nics = !base.is_machine && options.nics.empty() && !options.no_nic;
    }
    const Place place = choose_place(connection, wanted);
    machine.datastore = place.datastore.name;
    if (choose_nics) machine.nics = default_nics(connection, place.host);
    auto request = vim::CreateVM_TaskRequest::make();
    request.set_config(make_spec(machine));
    request.set_pool(place.pool);
    request.set_host(place.host);
    const auto done = run_job(
        context,
        {machine.name, [&] { return connection.start("CreateVM_Task", place.folder, request); }});
    if (!done) return;  // --async
    const vim::Value made = done.result();
    if (made.kind() != vim::ValueKind::moref) {
        throw client::ConnectionError("the server did not say which machine it made");
    }
    context.say(fmt::format("{}: created", machine.name));
    if (options.start) {
        run_job(context, {machine.name,
                          [&] { return connection.start("PowerOnVM_Task", made.as_moref()); }});
        context.say(fmt::format("{}: powered on", machine.name));
    }
    if (!context.json()) return;
    Report report;
    report.add("name", "", text_cell(machine.name));
    report.add("id", "", text_cell(made.moref_id()));
    report.add("power_state", "", text_cell(options.start ? "poweredOn" : "poweredOff"));
    context.print(report);
}

constexpr const char* kFooter = R"(
Without --disk and --from the machine has no disk. A machine made --from another is a linked
clone: it shares the other's disk and keeps what it changes; it takes over CPUs, memory, guest,
firmware and networks unless they are stated. The name of a directory on a datastore that
holds NAME.vmdk does as well; such a clone gets one card, on "VM Network" if there is one.

Examples:
  drover vm create web1 --from demo --memory 256M --start
  drover vm create db1 --cpus 2 --memory 4G --disk 40G --disk 200G,thick --nic "VM Network" \
      --iso "[datastore1] iso/debian.iso" --guest debian11_64Guest --firmware uefi --start
  drover vm create t1 --from "[datastore1] golden/golden.vmdk" --serial file)";

void add_options(CLI::App& command, Options& options) {
    command.add_option("NAME", options.name, "the new machine's name")->required();
    command.add_option("--cpus", options.cpus, "virtual CPUs (1)")->check(CLI::Range(1, 768));
    command.add_option("--memory", options.memory, "such as 512M or 4G (1G)")->type_name("SIZE");
    command
        .add_option("--disk", options.disks,
                    "a new disk, such as 10G or 10G,thick (thin, thick, eager); may be repeated")
        ->type_name("SIZE[,KIND]")
        ->expected(1)
        ->take_all();
    command
        .add_option("--from", options.from,
                    "a linked clone of this machine's disk, or of \"[datastore] x.vmdk\"")
        ->type_name("VM|DISK");
    command
        .add_option("--nic", options.nics,
                    "a network card, such as \"VM Network\" or \"VM Network,e1000\" (vmxnet3, "
                    "e1000, e1000e, pcnet32); may be repeated")
        ->type_name("NETWORK[,MODEL]")
        ->expected(1)
        ->take_all();
    command.add_flag("--no-nic", options.no_nic, "none, also where the template has one");
    command.add_option("--iso", options.isos, "a CD-ROM with \"[datastore] iso/x.iso\" in it")
        ->type_name("FILE")
        ->expected(1)
        ->take_all();
    command
        .add_option("--serial", options.serial_ports,
                    "a serial port that writes to a file in the machine's directory (\"file\": "
                    "serial.log), to \"[datastore] x\", or listens at telnet://ADDRESS:PORT")
        ->type_name("TARGET")
        ->expected(1)
        ->take_all();
    command.add_option("--firmware", options.firmware, "bios or uefi (bios)")->type_name("KIND");
    command.add_option("--guest", options.guest, "the guest's kind, such as debian11_64Guest")
        ->type_name("ID");
    command.add_option("--notes", options.notes, "a note for people")->type_name("TEXT");
    command.add_option("--host", options.place.host, "on this host")->type_name("HOST");
    command.add_option("--pool", options.place.pool, "in this resource pool")->type_name("POOL");
    command.add_option("--folder", options.place.folder, "in this folder")->type_name("FOLDER");
    command.add_option("--datastore", options.place.datastore, "with its files here")
        ->type_name("NAME");
    command.add_flag("--start", options.start, "power it on");
}

}  // namespace

void add_vm_create(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("create", "Make a machine");
    auto options = std::make_shared<Options>();
    add_options(*command, *options);
    command->footer(kFooter);
    command->callback([&context, options] {
        if (context.options.async && options->start) {
            throw UsageError("--start needs the machine; leave --async or --start out");
        }
        run(context, *options);
    });
}

}  // namespace drover::cli
