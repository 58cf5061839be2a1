#include "center/operations/backup.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/random.hpp"
#include "center/service_instance.hpp"
#include "center/tree/numbers.hpp"
#include "http/tls_identity.hpp"
#include "store/backup.hpp"
#include "store/store.hpp"

namespace drover::center {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::string_view kFormat = "drover-center-backup";
constexpr int kVersion = 1;
constexpr std::string_view kStore = "centerd.db";
constexpr std::string_view kFigures = "performance.db";
constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kSums = "SHA256SUMS";
constexpr std::string_view kStaged = "restore";
constexpr std::string_view kComplete = "complete";  ///< marks a staged directory as whole
constexpr std::uint64_t kSmallFileBytes = 1 << 20;
constexpr std::chrono::minutes kPackLimit{30};
// More than a center gives out between two backups.
constexpr std::int64_t kSkippedNumbers = 1'000'000;

// A directory that is gone afterwards, unless it was kept.
class Staging {
public:
    explicit Staging(fs::path path) : path_(std::move(path)) {
        fs::create_directory(path_);
        fs::permissions(path_, fs::perms(0700));
    }
    ~Staging() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string run(std::vector<std::string> command, std::string_view what) {
    const auto result = base::run_process(command, kPackLimit);
    if (result.timed_out) throw BackupError(fmt::format("{} took too long", what));
    if (result.exit_code != 0) {
        throw BackupError(fmt::format("{}: {}", what, result.standard_error));
    }
    return result.standard_output;
}

json settings_of(const Config& config) {
    return {{"state_directory", config.state_directory.string()},
            {"name", config.name},
            {"management_address", config.management_address},
            {"listen_address", config.listen_address},
            {"listen_port", config.listen_port},
            {"history_days", config.history_days},
            {"history_events", config.history_events},
            {"history_tasks", config.history_tasks}};
}

std::vector<std::string> sum_files(const fs::path& directory, std::vector<std::string> names) {
    std::vector<std::string> command{"env", "-C", directory.string(), "sha256sum", "--"};
    command.insert(command.end(), names.begin(), names.end());
    base::write_file_atomically(directory / kSums, run(std::move(command), "checksums"), 0600);
    return names;
}

// Anything but plain files under their own names could lead elsewhere.
void require_plain_files(const fs::path& top) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
        const auto kind = entry.symlink_status().type();
        const bool is_tls = entry.path().filename() == "tls" && kind == fs::file_type::directory;
        if (kind == fs::file_type::regular || is_tls) continue;
        throw BackupError(fmt::format("the backup has '{}', which is no plain file",
                                      entry.path().filename().string()));
    }
}

std::string text_of(const json& document, const char* name) {
    const auto at = document.find(name);
    if (at == document.end() || !at->is_string()) {
        throw BackupError(fmt::format("the backup's {} does not say {}", kManifest, name));
    }
    return at->get<std::string>();
}

BackupFacts read_manifest(const fs::path& top) {
    const json document = json::parse(base::read_file(top / kManifest, kSmallFileBytes), nullptr,
                                      /*allow_exceptions=*/false);
    if (!document.is_object() || text_of(document, "format") != kFormat) {
        throw BackupError("the file is no backup of a center");
    }
    const auto version = document.find("version");
    if (version == document.end() || !version->is_number_integer() || *version < 1) {
        throw BackupError(fmt::format("the backup's {} has no version", kManifest));
    }
    if (*version > kVersion) {
        throw BackupError(fmt::format(
            "the backup is of version {}; this drover reads versions up to {}: upgrade it first",
            version->get<int>(), kVersion));
    }
    BackupFacts facts;
    facts.made = text_of(document, "made");
    facts.product = text_of(document, "product");
    facts.name = text_of(document, "name");
    facts.instance_uuid = text_of(document, "instanceUuid");
    facts.has_figures = fs::exists(top / kFigures);
    return facts;
}

BackupFacts check(const fs::path& top) {
    require_plain_files(top);
    const BackupFacts facts = read_manifest(top);
    // Every file that counts must be among the sums, else a damaged one could slip by.
    const std::string sums = base::read_file(top / kSums, kSmallFileBytes);
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
        if (!entry.is_regular_file()) continue;
        const std::string name = entry.path().lexically_relative(top).string();
        if (name != kSums && !sums.contains("  " + name + "\n")) {
            throw BackupError(fmt::format("the backup has no checksum of '{}'", name));
        }
    }
    run({"env", "-C", top.string(), "sha256sum", "--check", "--strict", "--quiet",
         std::string(kSums)},
        "the backup is damaged");
    store::check_database(top / kStore, true);
    for (const std::string_view name : {std::string_view("history.db"), kFigures}) {
        if (fs::exists(top / name)) store::check_database(top / name, false);
    }
    fs::permissions(top / "tls" / "key.pem", fs::perms(0600));
    http::TlsIdentity::load(top / "tls");
    return facts;
}

void move_aside(const fs::path& file, const fs::path& to) {
    if (!fs::exists(fs::symlink_status(file))) return;
    fs::create_directories(to);
    fs::permissions(to, fs::perms(0700));
    fs::rename(file, to / file.filename());
}

}  // namespace

void write_backup(const Config& config, const std::string& instance_uuid, base::WallTime now,
                  bool with_figures, const fs::path& target) {
    try {
        const Staging staging(config.state_directory / (".backup-" + base::SystemRandom().hex(8)));
        const fs::path top = staging.path() / kFormat;
        fs::create_directory(top);
        fs::create_directory(top / "tls");
        std::vector<std::string> names;
        const auto text = [&](const std::string& name, const std::string& content) {
            base::write_file_atomically(top / name, content, 0600);
            names.push_back(name);
        };
        const auto database = [&](std::string_view name) {
            const fs::path from = config.state_directory / name;
            if (!fs::exists(from)) return;
            store::copy_database(from, top / name);
            names.emplace_back(name);
        };
        if (with_figures) database(kFigures);
        database("history.db");
        database(kStore);
        const auto identity = http::TlsIdentity::load(config.state_directory / "tls");
        text("tls/certificate.pem", identity.certificate_pem);
        text("tls/key.pem", identity.key_pem);
        text("settings.json", settings_of(config).dump(1) + "\n");
        const json manifest{
            {"format", kFormat},
            {"version", kVersion},
            {"made", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                 fmt::gmtime(base::WallTime::clock::to_time_t(now)))},
            {"product", kProductVersion},
            {"name", config.name},
            {"instanceUuid", instance_uuid}};
        text(std::string(kManifest), manifest.dump(1) + "\n");
        sum_files(top, names);
        const fs::path packed = staging.path() / "packed";
        run({"tar", "--create", "--gzip", "--owner=0", "--group=0", "--file", packed.string(),
             "--directory", staging.path().string(), "--", std::string(kFormat)},
            "packing the backup");
        fs::permissions(packed, fs::perms(0600));
        fs::rename(packed, target);
    } catch (const BackupError&) {
        throw;
    } catch (const std::exception& error) {
        throw BackupError(error.what());
    }
}

BackupFacts stage_restore(const fs::path& backup, const fs::path& state_directory) {
    try {
        const Staging staging(state_directory / (".restore-" + base::SystemRandom().hex(8)));
        run({"tar", "--extract", "--gzip", "--no-same-owner", "--no-same-permissions", "--file",
             backup.string(), "--directory", staging.path().string(), "--", std::string(kFormat)},
            "the file is no backup of a center");
        const fs::path top = staging.path() / kFormat;
        const BackupFacts facts = check(top);
        for (const auto& entry : fs::recursive_directory_iterator(top)) {
            fs::permissions(entry.path(), fs::perms(entry.is_directory() ? 0700 : 0600));
        }
        skip_numbers(*store::open_sqlite_store(top / kStore), kSkippedNumbers);
        base::write_file_atomically(top / kComplete, facts.made + "\n", 0600);
        fs::remove_all(state_directory / kStaged);
        fs::rename(top, state_directory / kStaged);
        base::sync_directory(state_directory);
        return facts;
    } catch (const BackupError&) {
        throw;
    } catch (const std::exception& error) {
        throw BackupError(error.what());
    }
}

void take_up_restore(const fs::path& state_directory, base::WallTime now) {
    const fs::path staged = state_directory / kStaged;
    if (!fs::exists(staged / kComplete)) return;
    const fs::path before =
        state_directory / fmt::format("before-restore-{:%Y%m%d-%H%M%S}",
                                      fmt::gmtime(base::WallTime::clock::to_time_t(now)));
    const std::string made = base::read_file(staged / kComplete, kSmallFileBytes);
    base::log_warning("the backup of {} is restored; what was there goes to {}",
                      made.substr(0, made.find('\n')), before.string());
    // A log belongs to the database beside it: both go before the new one comes.
    for (const char* name : {"performance.db", "history.db", "centerd.db", "tls"}) {
        if (!fs::exists(staged / name)) continue;
        for (const char* part : {"-wal", "-shm", ""}) {
            move_aside(state_directory / (std::string(name) + part), before);
        }
        fs::rename(staged / name, state_directory / name);
        base::sync_directory(state_directory);
    }
    fs::remove_all(staged);
    base::sync_directory(state_directory);
}

}  // namespace drover::center
