#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/vm.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string vm;
    std::string nic;
};

void change(Context& context, const client::Named& machine,
            const vim::VirtualDeviceConfigSpec& change, std::string_view done) {
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange({change});
    reconfigure(context, machine, spec, done);
}

void add(Context& context, const Options& options) {
    constexpr std::int32_t kNewNic = -101;
    const auto nic = parse_nic(options.nic);
    const auto vm = client::find(context.connection(), vim::TypeId::VirtualMachine, options.vm);
    change(context, vm, add_device(new_nic(kNewNic, nic)), "network card added");
}

void remove(Context& context, const Options& options) {
    const auto machine = read_devices(context, options.vm);
    std::vector<vim::VirtualDevice> cards;
    for (const auto& card : machine.of<vim::VirtualEthernetCard>()) {
        cards.emplace_back(card.raw());
    }
    const auto card = cards[choose_device("network card", cards, options.nic)];
    change(context, machine.machine, remove_device(card), "network card removed");
}

}  // namespace

void add_vm_nic(CLI::App& parent, Context& context) {
    auto& group = *parent.add_subcommand("nic", "Add and remove network cards");
    group.require_subcommand(1);
    auto added = std::make_shared<Options>();
    auto* command = group.add_subcommand("add", "Add a network card");
    command->add_option("VM", added->vm, "the machine")->required();
    command
        ->add_option("NETWORK", added->nic,
                     "the network; vmxnet3, e1000, e1000e or pcnet32; an address")
        ->required();
    command->footer("\nExample:\n  drover vm nic add web1 \"VM Network,e1000\"");
    command->callback([&context, added] { add(context, *added); });

    auto removed = std::make_shared<Options>();
    command = group.add_subcommand("remove", "Remove a network card");
    command->add_option("VM", removed->vm, "the machine")->required();
    command->add_option("NIC", removed->nic, "its label (\"Network adapter 1\"), number (1) or key")
        ->required();
    command->callback([&context, removed] { remove(context, *removed); });
}

}  // namespace drover::cli
