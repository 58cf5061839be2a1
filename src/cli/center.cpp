// drover center: backup, restore and certificate of a center.

#include <fcntl.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.hpp"
#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/text.hpp"

namespace drover::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::uint64_t kPemBytes = 128 << 10;
// Databases are copied, packed or checked before there is an answer.
constexpr std::chrono::minutes kLimit{60};

void require_center(Context& context) {
    if (context.connection().content().about().apiType() == "VirtualCenter") return;
    throw UsageError("this is a host; only a center has backups and a certificate of this kind");
}

[[noreturn]] void refuse(int status, const std::string& body) {
    const std::string reason = printable(body.substr(0, body.find('\n')));
    throw std::runtime_error(reason.empty() ? fmt::format("HTTP status {}", status) : reason);
}

// Readable by its owner alone from the first byte on.
base::FileDescriptor create_private(const fs::path& path) {
    base::FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) throw std::system_error(errno, std::generic_category(), path.string());
    return file;
}

void backup(Context& context, const fs::path& target, bool with_figures, bool force) {
    require_center(context);
    if (fs::exists(target) && !force) {
        throw UsageError(fmt::format("{} exists: say --force to replace it", target.string()));
    }
    const fs::path part = target.string() + ".part";
    try {
        create_private(part);
        std::ofstream out(part, std::ios::binary | std::ios::trunc);
        std::string refusal;
        client::WireRequest request;
        request.target = with_figures ? "/center/backup?figures=1" : "/center/backup";
        request.response_timeout = kLimit;
        request.sink = [&](std::string_view piece) {
            if (refusal.size() < kPemBytes) refusal.append(piece.substr(0, kPemBytes));
            if (!out.write(piece.data(), static_cast<std::streamsize>(piece.size()))) {
                throw std::runtime_error(part.string() + " can't be written");
            }
        };
        const auto response = context.connection().send(std::move(request));
        if (response.status != 200) refuse(response.status, refusal);
        if (!out.flush()) throw std::runtime_error(part.string() + " can't be written");
        out.close();
        fs::rename(part, target);
    } catch (...) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw;
    }
    context.say(fmt::format("{}: {} bytes; it holds the center's secrets, keep it safe",
                            target.string(), fs::file_size(target)));
}

void restore(Context& context, const fs::path& source, bool yes) {
    require_center(context);
    if (!fs::is_regular_file(source)) {
        throw UsageError(fmt::format("{} is no file", source.string()));
    }
    confirm(context, yes,
            "The center's inventory, accounts, history and certificate are replaced, and it "
            "restarts. Go on?");
    auto in = std::make_shared<std::ifstream>(source, std::ios::binary);
    client::WireRequest request;
    request.method = "PUT";
    request.target = "/center/restore";
    request.headers.emplace_back("Content-Type", "application/gzip");
    request.response_timeout = kLimit;
    request.upload =
        client::Upload{fs::file_size(source), [in, source] {
                           std::string piece(kPieceBytes, '\0');
                           in->read(piece.data(), static_cast<std::streamsize>(piece.size()));
                           if (in->bad() || (!*in && !in->eof())) {
                               throw std::runtime_error(source.string() + " can't be read");
                           }
                           piece.resize(static_cast<std::size_t>(in->gcount()));
                           return piece;
                       }};
    const auto response = context.connection().send(std::move(request));
    if (response.status != 202) refuse(response.status, response.body);
    const json facts = json::parse(response.body, nullptr, false);
    const auto text = [&](const char* name) {
        return facts.is_object() ? facts.value(name, std::string()) : std::string();
    };
    Report report;
    report.add("name", "Center", text_cell(text("name")));
    report.add("made", "Backup of", text_cell(text("made")));
    report.add("product", "Made by drover", text_cell(text("product")));
    context.print(report);
    context.say("the center restarts with it; log in again, with the accounts of that time");
}

void install(Context& context, const fs::path& certificate, const fs::path& key) {
    require_center(context);
    client::WireRequest request;
    request.method = "PUT";
    request.target = "/center/certificate";
    request.headers.emplace_back("Content-Type", "application/x-pem-file");
    request.body =
        base::read_file(certificate, kPemBytes) + "\n" + base::read_file(key, kPemBytes) + "\n";
    const auto response = context.connection().send(std::move(request));
    if (response.status != 200) refuse(response.status, response.body);
    const json facts = json::parse(response.body, nullptr, false);
    const auto text = [&](const char* name) {
        return text_cell(facts.is_object() ? facts.value(name, std::string()) : std::string());
    };
    Report report;
    report.add("subject", "Subject", text("subject"));
    report.add("issuer", "Issuer", text("issuer"));
    report.add("sha1", "SHA-1", text("thumbprintSha1"));
    report.add("sha256", "SHA-256", text("thumbprintSha256"));
    context.print(report);
    context.say("new connections see it; who trusts by thumbprint logs in with the new one");
}

}  // namespace

void add_center(CLI::App& parent, Context& context) {
    auto* make = parent.add_subcommand("backup", "Copy a center that runs into one file");
    auto target = std::make_shared<std::string>();
    auto with_figures = std::make_shared<bool>(false);
    auto force = std::make_shared<bool>(false);
    make->add_option("FILE", *target, "where to")->required();
    make->add_flag("--figures", *with_figures,
                   "also the figures of performance, which may be large");
    make->add_flag("-f,--force", *force, "replace a file that is there");
    make->footer("\nExample:\n  drover center backup center-$(date +%F).tgz");
    make->callback([&context, target, with_figures, force] {
        backup(context, *target, *with_figures, *force);
    });

    auto* take = parent.add_subcommand("restore", "Make a center what it was at a backup");
    auto source = std::make_shared<std::string>();
    auto yes = std::make_shared<bool>(false);
    take->add_option("FILE", *source, "the backup")->required();
    take->add_flag("-y,--yes", *yes, "don't ask");
    take->footer("\nExample:\n  drover center restore center-2026-03-01.tgz");
    take->callback([&context, source, yes] { restore(context, *source, *yes); });

    auto* certificates = parent.add_subcommand("certificate", "What the center proves itself by");
    certificates->require_subcommand(1);
    auto* put = certificates->add_subcommand("install", "Replace the center's certificate");
    auto certificate = std::make_shared<std::string>();
    auto key = std::make_shared<std::string>();
    put->add_option("CERTIFICATE", *certificate, "PEM, with the chain that it needs")->required();
    put->add_option("KEY", *key, "its private key, PEM without a password")->required();
    put->footer("\nExample:\n  drover center certificate install center.pem center.key");
    put->callback([&context, certificate, key] { install(context, *certificate, *key); });
}

}  // namespace drover::cli
