// Completion of command lines. The shells' scripts are a few lines that ask the program itself
// ("drover __complete WORDS..."), so that they need not be made again when commands change.

#include "cli/completion.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

constexpr const char* kBash = R"(_drover() {
    local IFS=$'\n'
    COMPREPLY=($(drover __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]// /\\ }")
}
complete -o default -F _drover drover
)";

constexpr const char* kZsh = R"(#compdef drover
_drover() {
    local -a found
    found=("${(@f)$(drover __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [[ "$funcstack[1]" == _drover ]]; then _drover; else compdef _drover drover; fi
)";

constexpr const char* kFish = R"(function __drover_complete
    drover __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c drover -a '(__drover_complete)'
)";

void add_options(const CLI::App& app, std::vector<std::string>& out) {
    for (const CLI::Option* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) out.push_back("--" + name);
    }
}

std::vector<std::string> names(Context& context, vim::TypeId type) {
    std::vector<std::string> out;
    for (const auto& each : client::retrieve(context.connection(), type, {"name"})) {
        const std::string name = each.text("name");
        // A line break in a name would look like two names to the shell.
        if (!name.empty() && name.find_first_of("\n\r") == std::string::npos) out.push_back(name);
    }
    return out;
}

// What the positional arguments of a command name.
std::vector<std::string> arguments_of(Context& context, const std::string& command) {
    const auto group = command.substr(0, command.find(' '));
    if (command == "vm create") return {};
    if (group == "vm" || command == "perf" || command == "events") {
        return names(context, vim::TypeId::VirtualMachine);
    }
    if (group == "host") return names(context, vim::TypeId::HostSystem);
    if (group == "datastore" || group == "file") return names(context, vim::TypeId::Datastore);
    if (command == "completion") return {"bash", "zsh", "fish"};
    return {};
}

}  // namespace

std::vector<std::string> completions(CLI::App& app, Context& context,
                                     const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const CLI::App* current = &app;
    std::string command;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const CLI::App* next = nullptr;
        for (const CLI::App* sub : current->get_subcommands([](const CLI::App*) { return true; })) {
            if (sub->get_name() == words[i]) next = sub;
        }
        if (next == nullptr) continue;
        current = next;
        command += (command.empty() ? "" : " ") + words[i];
    }
    const std::string& begun = words.back();
    std::vector<std::string> out;
    if (begun.starts_with('-')) {
        add_options(*current, out);
        add_options(app, out);
    } else {
        for (const CLI::App* sub : current->get_subcommands([](const CLI::App*) { return true; })) {
            out.push_back(sub->get_name());
        }
        try {
            if (out.empty()) out = arguments_of(context, command);
        } catch (const std::exception&) {
            // Not logged in, or the server does not answer: nothing to offer.
        }
    }
    std::erase_if(out, [&](const std::string& word) { return !word.starts_with(begun); });
    std::ranges::sort(out);
    const auto doubled = std::ranges::unique(out);
    out.erase(doubled.begin(), doubled.end());
    return out;
}

void add_completion(CLI::App& parent) {
    auto* command = parent.add_subcommand("completion", "A script that completes command lines");
    auto shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->footer(R"(
Examples:
  source <(drover completion bash)
  drover completion fish > ~/.config/fish/completions/drover.fish)");
    command->callback([shell] {
        const std::map<std::string, const char*> scripts{
            {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
        fmt::print("{}", scripts.at(*shell));
    });
}

}  // namespace drover::cli
