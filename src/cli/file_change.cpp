// drover file rm, mv, cp, mkdir: what the server does by itself.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/file.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::vector<std::string> files;  // of rm
    std::string file;                // of the others
    std::string to;
    bool force = false;
    bool yes = false;
    bool parents = false;
};

std::string full_name(const client::DatastoreFile& file) {
    return DatastorePath{file.datastore_name, file.path}.to_string();
}

vim::MoRef file_manager(client::Connection& connection) {
    return client::required(connection.content().fileManager(), "fileManager");
}

void remove(Context& context, const Options& options) {
    auto& connection = context.connection();
    std::vector<Job> jobs;
    std::string names;
    for (const auto& text : options.files) {
        const auto file = find_file(connection, text);
        names += (names.empty() ? "" : ", ") + full_name(file);
        jobs.push_back({full_name(file), [&connection, file] {
                            auto request = vim::DeleteDatastoreFile_TaskRequest::make();
                            request.set_name(full_name(file));
                            if (const auto center =
                                    client::datacenter_of(connection, file.datastore)) {
                                request.set_datacenter(*center);
                            }
                            return connection.start("DeleteDatastoreFile_Task",
                                                    file_manager(connection), request);
                        }});
    }
    confirm(context, options.yes, fmt::format("Delete {} for good?", names));
    run_jobs(context, "deleted", jobs);
}

template <class Request>
vim::MoRef start_transfer(client::Connection& connection, std::string_view method,
                          const client::DatastoreFile& from, const client::DatastoreFile& to,
                          bool force) {
    auto request = Request::make();
    request.set_sourceName(full_name(from));
    request.set_destinationName(full_name(to));
    if (const auto center = client::datacenter_of(connection, from.datastore))
        request.set_sourceDatacenter(*center);
    if (const auto center = client::datacenter_of(connection, to.datastore)) {
        request.set_destinationDatacenter(*center);
    }
    request.set_force(force);
    return connection.start(method, file_manager(connection), request);
}

void transfer(Context& context, const Options& options, bool moves) {
    auto& connection = context.connection();
    const auto from = find_file(connection, options.file);
    const auto to = find_file(connection, options.to);
    const bool force = options.force;
    run_jobs(context, moves ? "moved" : "copied",
             {{full_name(from), [&connection, from, to, moves, force] {
                   return moves ? start_transfer<vim::MoveDatastoreFile_TaskRequest>(
                                      connection, "MoveDatastoreFile_Task", from, to, force)
                                : start_transfer<vim::CopyDatastoreFile_TaskRequest>(
                                      connection, "CopyDatastoreFile_Task", from, to, force);
               }}});
}

void make_directory(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto directory = find_file(connection, options.file);
    auto request = vim::MakeDirectoryRequest::make();
    request.set_name(full_name(directory));
    if (const auto center = client::datacenter_of(connection, directory.datastore))
        request.set_datacenter(*center);
    request.set_createParentDirectories(options.parents);
    connection.call("MakeDirectory", file_manager(connection), request);
    context.say(fmt::format("{}: made", full_name(directory)));
}

void add_transfer(CLI::App& parent, Context& context, bool moves) {
    auto* command = parent.add_subcommand(
        moves ? "mv" : "cp", moves ? "Move or rename a file" : "Copy a file on the server");
    auto options = std::make_shared<Options>();
    command->add_option("FROM", options->file, "on a datastore")->required();
    command->add_option("TO", options->to, "on a datastore")->required();
    command->add_flag("-f,--force", options->force, "replace a file that is there");
    command->callback([&context, options, moves] { transfer(context, *options, moves); });
}

}  // namespace

void add_file_change(CLI::App& parent, Context& context) {
    auto* rm = parent.add_subcommand("rm", "Delete files or directories, with all that is in them");
    auto rm_options = std::make_shared<Options>();
    rm->add_option("FILE", rm_options->files, "on a datastore")->required();
    rm->add_flag("-y,--yes", rm_options->yes, "don't ask");
    rm->callback([&context, rm_options] { remove(context, *rm_options); });
    add_transfer(parent, context, true);
    add_transfer(parent, context, false);
    auto* mkdir = parent.add_subcommand("mkdir", "Make a directory");
    auto mkdir_options = std::make_shared<Options>();
    mkdir->add_option("DIRECTORY", mkdir_options->file, "on a datastore")->required();
    mkdir->add_flag("-p,--parents", mkdir_options->parents, "and those above it");
    mkdir->callback([&context, mkdir_options] { make_directory(context, *mkdir_options); });
}

}  // namespace drover::cli
