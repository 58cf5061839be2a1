#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/datastore_files.hpp"
#include "cli/file.hpp"

namespace drover::cli {
namespace {

std::string_view kind_of(const vim::FileInfo& file) {
    if (file.is<vim::FolderFileInfo>()) return "directory";
    if (file.is<vim::VmDiskFileInfo>()) return "disk";
    if (file.is<vim::VmConfigFileInfo>()) return "machine";
    if (file.is<vim::IsoImageFileInfo>()) return "iso";
    if (file.is<vim::VmLogFileInfo>()) return "log";
    return "file";
}

void run(Context& context, const std::string& text) {
    auto& connection = context.connection();
    const auto path = parse_file(text);
    const auto datastore = client::find(connection, vim::TypeId::Datastore, path.datastore);
    Table table({{"name", "NAME"},
                 {"kind", "KIND"},
                 {"size_bytes", "SIZE"},
                 {"modified", "MODIFIED"},
                 {"path", ""}});
    for (const auto& file : list_directory(connection, datastore, path.path, {}, false)) {
        const std::string name(file.path());
        const DatastorePath full{datastore.name, path.path.empty() ? name : path.path + "/" + name};
        table.add({text_cell(name), text_cell(kind_of(file)), bytes_cell(file.fileSize()),
                   time_cell(file.modification()), text_cell(full.to_string())});
    }
    table.sort_by(0);
    context.print(table);
}

}  // namespace

void add_datastore_ls(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("ls", "What lies in a directory of a datastore");
    auto path = std::make_shared<std::string>();
    command
        ->add_option("PATH", *path, "DATASTORE, DATASTORE/DIRECTORY or \"[DATASTORE] DIRECTORY\"")
        ->required();
    command->footer("\nExample:\n  drover datastore ls shared/iso");
    command->callback([&context, path] { run(context, *path); });
}

}  // namespace drover::cli
