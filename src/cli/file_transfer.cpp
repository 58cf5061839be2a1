// drover file get and put: contents of files between here and a datastore.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "cli/commands.hpp"
#include "cli/file.hpp"

namespace drover::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kPieceBytes = 1 << 20;

struct Options {
    std::string from;
    std::string to;
    bool force = false;
};

[[noreturn]] void fail(const fs::path& file) {
    throw std::runtime_error(fmt::format("{}: {}", file.string(), std::strerror(errno)));
}

// What arrives goes beside the target under another name, so that a target is always whole.
void get_into(Context& context, const client::DatastoreFile& file, const fs::path& target,
              std::uint64_t size_bytes) {
    const fs::path part = target.string() + ".part";
    try {
        std::ofstream out(part, std::ios::binary | std::ios::trunc);
        if (!out) fail(part);
        TransferLine line(context, file.path, size_bytes);
        client::download(context.connection(), file, [&](std::string_view piece) {
            if (!out.write(piece.data(), static_cast<std::streamsize>(piece.size()))) fail(part);
            line.add(piece.size());
        });
        if (!out.flush()) fail(part);
        out.close();
        fs::rename(part, target);
    } catch (...) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw;
    }
}

void get(Context& context, const Options& options) {
    const auto file = find_file(context.connection(), options.from);
    if (options.to == "-") {
        client::download(context.connection(), file, [](std::string_view piece) {
            std::cout.write(piece.data(), static_cast<std::streamsize>(piece.size()));
            if (!std::cout) throw std::runtime_error("the output could not be written");
        });
        std::cout.flush();
        return;
    }
    fs::path target = options.to.empty() ? fs::path(".") : fs::path(options.to);
    if (fs::is_directory(target)) target /= fs::path(file.path).filename();
    if (fs::exists(target) && !options.force) {
        throw UsageError(fmt::format("{} exists: say --force to replace it", target.string()));
    }
    const auto size_bytes = client::file_size(context.connection(), file);
    get_into(context, file, target, size_bytes.value_or(0));
    context.say(fmt::format("{}: {} bytes", target.string(), fs::file_size(target)));
}

void put(Context& context, const Options& options) {
    const fs::path source = options.from;
    if (!fs::is_regular_file(source)) {
        throw UsageError(fmt::format("{} is no file", source.string()));
    }
    auto in = std::make_shared<std::ifstream>(source, std::ios::binary);
    if (!*in) fail(source);
    const std::uint64_t size_bytes = fs::file_size(source);
    std::string to = options.to;
    // "shared/iso/" and "shared" stand for a directory.
    const auto path = parse_file(to);
    if (path.path.empty() || path.path.ends_with('/')) {
        to = DatastorePath{path.datastore, path.path + source.filename().string()}.to_string();
    }
    const auto file = find_file(context.connection(), to);
    if (!options.force && client::file_size(context.connection(), file)) {
        throw UsageError(fmt::format("{} exists: say --force to replace it", to));
    }
    auto line = std::make_shared<TransferLine>(context, file.path, size_bytes);
    client::Upload upload;
    upload.length_bytes = size_bytes;
    upload.next = [in, line, source] {
        std::string piece(kPieceBytes, '\0');
        in->read(piece.data(), static_cast<std::streamsize>(piece.size()));
        if (in->bad()) fail(source);
        piece.resize(static_cast<std::size_t>(in->gcount()));
        line->add(piece.size());
        return piece;
    };
    client::upload(context.connection(), file, std::move(upload));
    line.reset();
    context.say(fmt::format("[{}] {}: {} bytes", file.datastore_name, file.path, size_bytes));
}

}  // namespace

void add_file_transfer(CLI::App& parent, Context& context) {
    auto* get_command = parent.add_subcommand("get", "Copy a file from a datastore to here");
    auto get_options = std::make_shared<Options>();
    get_command->add_option("FILE", get_options->from, "on the datastore")->required();
    get_command->add_option("LOCAL", get_options->to,
                            "file or directory here, - for standard output; else this directory");
    get_command->add_flag("-f,--force", get_options->force, "replace a file that is there");
    get_command->footer("\nExample:\n  drover file get shared/web1/web1.vmx -");
    get_command->callback([&context, get_options] { get(context, *get_options); });

    auto* put_command = parent.add_subcommand("put", "Copy a file from here to a datastore");
    auto put_options = std::make_shared<Options>();
    put_command->add_option("LOCAL", put_options->from, "file here")->required();
    put_command->add_option("FILE", put_options->to, "on the datastore; ending in / a directory")
        ->required();
    put_command->add_flag("-f,--force", put_options->force, "replace a file that is there");
    put_command->footer("\nExample:\n  drover file put debian-12.iso shared/iso/");
    put_command->callback([&context, put_options] { put(context, *put_options); });
}

}  // namespace drover::cli
