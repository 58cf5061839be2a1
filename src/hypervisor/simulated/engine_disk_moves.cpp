// Disks that go to other files. A guest that is none writes nothing, so a copy is complete as soon
// as it has begun, and either file is good. Only raw files are really copied.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "hypervisor/simulated/engine.hpp"

namespace drover::hypervisor::simulated {
namespace {

class File {
public:
    File(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC)) {
        if (number_ < 0) {
            throw HypervisorError(ErrorKind::missing_file,
                                  fmt::format("{}: No such file or directory", path));
        }
    }
    ~File() { ::close(number_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    int number() const { return number_; }

private:
    int number_;
};

void copy_extent(const File& from, const File& to, off_t at, off_t end) {
    std::array<char, 1 << 16> buffer{};
    while (at < end) {
        const auto wanted = std::min<off_t>(end - at, static_cast<off_t>(buffer.size()));
        const ssize_t count =
            ::pread(from.number(), buffer.data(), static_cast<std::size_t>(wanted), at);
        if (count <= 0) return;
        if (::pwrite(to.number(), buffer.data(), static_cast<std::size_t>(count), at) != count) {
            throw HypervisorError(ErrorKind::no_space, "No space left on device");
        }
        at += count;
    }
}

// Holes stay holes.
void copy_raw(const std::string& source, const std::string& destination) {
    const File from(source, O_RDONLY);
    const File to(destination, O_WRONLY);
    off_t at = 0;
    while ((at = ::lseek(from.number(), at, SEEK_DATA)) >= 0) {
        const off_t end = ::lseek(from.number(), at, SEEK_HOLE);
        copy_extent(from, to, at, end);
        at = end;
    }
}

RunningDomain::Disk& disk_of(RunningDomain& domain, const std::string& target) {
    const auto disk = std::ranges::find(domain.disks, target, &RunningDomain::Disk::target);
    if (disk == domain.disks.end()) {
        throw HypervisorError(ErrorKind::not_found, fmt::format("there is no disk '{}'", target));
    }
    return *disk;
}

bool is_raw(const std::string& path) {
    return !path.ends_with(".qcow2");
}

}  // namespace

void Engine::begin_disk_move(const DomainUuid& uuid, const std::string& target,
                             const DiskImage& to) {
    meet_faults("begin_disk_move", uuid);
    validate_image(to);
    const std::lock_guard lock(mutex_);
    RunningDomain::Disk& disk = disk_of(get(uuid), target);
    if (!disk.moving_to.empty()) {
        throw HypervisorError(ErrorKind::device_in_use,
                              fmt::format("the disk '{}' is being moved already", target));
    }
    if (is_raw(disk.path) && to.format == ImageFormat::raw) copy_raw(disk.path, to.path);
    disk.moving_to = to.path;
}

std::vector<DiskMove> Engine::disk_moves(const DomainUuid& uuid) {
    meet_faults("disk_moves", uuid);
    const std::lock_guard lock(mutex_);
    std::vector<DiskMove> all;
    for (const auto& disk : get(uuid).disks) {
        DiskMove move{disk.target, disk.path, disk.moving_to, !disk.moving_to.empty(), 0, 0};
        if (move.ready) {
            std::error_code ignored;
            move.total_bytes = std::filesystem::file_size(disk.moving_to, ignored);
            move.copied_bytes = move.total_bytes;
        }
        all.push_back(std::move(move));
    }
    return all;
}

void Engine::finish_disk_move(const DomainUuid& uuid, const std::string& target) {
    meet_faults("finish_disk_move", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    RunningDomain::Disk& disk = disk_of(domain, target);
    if (disk.moving_to.empty()) {
        throw HypervisorError(ErrorKind::invalid_state,
                              fmt::format("the disk '{}' is not being moved", target));
    }
    disk.path = std::exchange(disk.moving_to, {});
    keep(domain);
}

void Engine::cancel_disk_move(const DomainUuid& uuid, const std::string& target) {
    meet_faults("cancel_disk_move", uuid);
    const std::lock_guard lock(mutex_);
    disk_of(get(uuid), target).moving_to.clear();
}

void Engine::move_nvram(const DomainUuid& uuid, const std::string& path) {
    meet_faults("move_nvram", uuid);
    const std::lock_guard lock(mutex_);
    get(uuid);
    if (!std::filesystem::exists(path)) {
        throw HypervisorError(ErrorKind::missing_file,
                              fmt::format("{}: No such file or directory", path));
    }
}

}  // namespace drover::hypervisor::simulated
