#include "storage/directory/image_tool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "storage/directory/raw_copy.hpp"
#include "storage/storage_error.hpp"

namespace drover::storage::directory {
namespace {

// Enough for any honest image's tables, and a bound for those that claim absurd ones.
constexpr const char* kMemoryLimit = "--as=4294967296";

std::vector<std::string> limited(std::vector<std::string> arguments) {
    std::vector<std::string> all{"prlimit", kMemoryLimit, "--core=0", "qemu-img"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

[[noreturn]] void fail(std::string_view output, const std::string& path) {
    auto kind = StorageErrorKind::io_error;
    if (output.contains("No space left") || output.contains("Disk quota exceeded")) {
        kind = StorageErrorKind::no_space;
    } else if (output.contains("lock")) {
        kind = StorageErrorKind::locked;
    } else if (output.contains("Image is corrupt") || output.contains("invalid") ||
               output.contains("Invalid")) {
        kind = StorageErrorKind::corrupt;
    }
    while (output.ends_with('\n')) output.remove_suffix(1);
    throw StorageError(kind, path, fmt::format("qemu-img: {}", output.substr(0, 500)));
}

// A running program with one pipe for all that it prints. Killed and reaped by the destructor.
class Child {
public:
    explicit Child(const std::vector<std::string>& arguments, const std::string& path) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw StorageError::from_errno(errno, path, "pipe");
        output_ = base::FileDescriptor(ends[0]);
        const base::FileDescriptor input(ends[1]);
        std::vector<char*> argv;
        for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        std::string search = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        std::string locale = "LC_ALL=C";
        std::array<char*, 3> environment{search.data(), locale.data(), nullptr};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, input.get(), 1);
        posix_spawn_file_actions_adddup2(&actions, input.get(), 2);
        posix_spawn_file_actions_addclosefrom_np(&actions, 3);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes, &none);
        const int error = ::posix_spawnp(&process_, argv[0], &actions, &attributes, argv.data(),
                                         environment.data());
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        if (error != 0) {
            process_ = -1;
            throw StorageError(StorageErrorKind::unsupported, path, "can't start qemu-img");
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (process_ > 0) {
            ::kill(-process_, SIGKILL);
            wait();
        }
    }

    // What was printed since the last call; waits a short while. False at the end of the output.
    bool read(std::string& into) {
        pollfd polled{output_.get(), POLLIN, 0};
        if (::poll(&polled, 1, 100) <= 0) return true;
        std::array<char, 4096> buffer;
        const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
        if (got < 0) return errno == EINTR;
        into.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }

    bool wait() {
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
        }
        process_ = -1;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

private:
    pid_t process_ = -1;
    base::FileDescriptor output_;
};

// The last "(12.34/100%)" in the output; -1 if there is none.
double percent(std::string_view output) {
    const auto slash = output.rfind("/100%)");
    const auto open = slash == output.npos ? output.npos : output.rfind('(', slash);
    if (open == output.npos) return -1;
    return std::strtod(std::string(output.substr(open + 1, slash - open - 1)).c_str(), nullptr);
}

}  // namespace

void create_child_image(const std::filesystem::path& image, std::uint64_t capacity_bytes,
                        const std::string& backing, vmx::DiskFormat backing_format,
                        const std::string& path) {
    const auto result =
        base::run_process(limited({"create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F",
                                   std::string(vmx::to_string(backing_format)), image.string(),
                                   std::to_string(capacity_bytes)}),
                          std::chrono::seconds(60));
    if (result.timed_out) {
        throw StorageError(StorageErrorKind::io_error, path, "qemu-img did not end in time");
    }
    if (result.exit_code != 0) fail(result.standard_error, path);
}

void convert_to_raw(const std::filesystem::path& source, const std::string& format,
                    const std::filesystem::path& target, std::uint64_t capacity_bytes,
                    const CopyControl& control, const std::string& path) {
    check_stop(control, path);
    Child child(limited({"convert", "-p", "-n", "--target-is-zero", "-f", format, "-O", "raw",
                         source.string(), target.string()}),
                path);
    ProgressMeter meter(control, capacity_bytes);
    std::string output;
    while (child.read(output)) {
        check_stop(control, path);
        const double done = percent(output);
        if (done >= 0 && done < 100) {
            meter.report(
                static_cast<std::uint64_t>(static_cast<double>(capacity_bytes) * done / 100));
        }
        if (output.size() > 65536) output.erase(0, output.size() - 32768);
    }
    if (!child.wait()) {
        // Errors stand after the progress, which ends its last line with a carriage return.
        const auto line = output.rfind('\r');
        fail(line == std::string::npos ? output : output.substr(line + 1), path);
    }
    meter.report(capacity_bytes);
}

}  // namespace drover::storage::directory
