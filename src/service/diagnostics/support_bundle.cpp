#include "service/diagnostics/support_bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/process.hpp"

namespace drover::service {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kPackLimit{120};
constexpr std::uint64_t kFactLimitBytes = 4 << 20;
constexpr std::uintmax_t kLogLimitBytes = 256 << 20;
constexpr std::string_view kUnfinished = ".making-";

// A directory that is gone afterwards.
class Staging {
public:
    explicit Staging(fs::path path) : path_(std::move(path)) { fs::create_directories(path_); }
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

// The log goes on growing while it is packed, which tar would call an error: hence copies.
void copy_logs(const fs::path& from, const fs::path& to) {
    std::error_code ignored;
    std::uintmax_t total = 0;
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from, ignored)) {
        if (!entry.is_regular_file(ignored) || entry.is_symlink(ignored)) continue;
        const auto size = entry.file_size(ignored);
        if (total + size > kLogLimitBytes) continue;
        total += size;
        fs::copy_file(entry.path(), to / entry.path().filename(), ignored);
    }
}

void pack(const fs::path& staging, const std::string& top, const fs::path& target) {
    const auto result =
        base::run_process({"tar", "--create", "--gzip", "--owner=0", "--group=0", "--file",
                           target.string(), "--directory", staging.string(), "--", top},
                          kPackLimit);
    if (result.timed_out) throw BundleError("packing the bundle took too long");
    if (result.exit_code != 0) throw BundleError("tar: " + result.standard_error);
}

}  // namespace

std::map<std::string, std::string> kernel_facts() {
    std::map<std::string, std::string> facts;
    for (const char* name : {"meminfo", "cpuinfo", "mounts", "loadavg", "version", "uptime", "stat",
                             "diskstats", "net/dev", "net/route"}) {
        try {
            std::string path = fmt::format("kernel/{}.txt", name);
            std::ranges::replace(path.begin() + 7, path.end(), '/', '-');
            facts[path] = base::read_file(fmt::format("/proc/{}", name), kFactLimitBytes);
        } catch (const std::exception& error) {
            base::log_debug("support bundle: {}", error.what());
        }
    }
    return facts;
}

void write_bundle(const fs::path& path, const BundleContent& content) {
    try {
        const std::string top = path.stem().string();
        const Staging staging(path.parent_path() / (std::string(kUnfinished) + top));
        for (const auto& [name, text] : content.texts) {
            const fs::path file = staging.path() / top / name;
            fs::create_directories(file.parent_path());
            base::write_file_atomically(file, text);
        }
        copy_logs(content.logs, staging.path() / top / "log");
        const fs::path packed = staging.path() / "packed";
        pack(staging.path(), top, packed);
        fs::permissions(packed, fs::perms(0640));
        fs::rename(packed, path);
    } catch (const std::system_error& error) {
        throw BundleError(error.what());
    }
}

void remove_old_bundles(const fs::path& directory, std::chrono::seconds kept,
                        std::size_t most) noexcept {
    try {
        std::error_code ignored;
        const auto now = fs::file_time_type::clock::now();
        std::vector<std::pair<fs::file_time_type, fs::path>> bundles;
        for (const auto& entry : fs::directory_iterator(directory, ignored)) {
            const bool unfinished = entry.path().filename().native().starts_with(kUnfinished);
            const auto age = now - entry.last_write_time(ignored);
            if (unfinished ? age > kPackLimit + std::chrono::minutes(1) : age > kept) {
                fs::remove_all(entry.path(), ignored);
            } else if (!unfinished) {
                bundles.emplace_back(entry.last_write_time(ignored), entry.path());
            }
        }
        std::ranges::sort(bundles);
        for (std::size_t i = 0; i + most < bundles.size(); ++i) {
            fs::remove(bundles[i].second, ignored);
        }
    } catch (const std::exception& error) {
        base::log_warning("old support bundles: {}", error.what());
    }
}

}  // namespace drover::service
