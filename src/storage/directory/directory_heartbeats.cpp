#include "storage/directory/directory_heartbeats.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "storage/directory/beneath.hpp"
#include "storage/directory/entries.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

constexpr const char* kDirectory = ".drover/heartbeat";
// The file is one page long, so that media with sectors of 4 KiB take direct writes as well.
constexpr std::size_t kFileBytes = 4096;

struct Page {
    Page() : bytes(static_cast<std::uint8_t*>(std::aligned_alloc(kFileBytes, kFileBytes))) {
        if (bytes == nullptr) throw std::bad_alloc();
        std::memset(bytes, 0, kFileBytes);
    }
    ~Page() { std::free(bytes); }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    std::uint8_t* bytes;
};

std::string file_name(const SlotName& slot) {
    const bool valid =
        !slot.host.empty() && slot.host.size() <= 64 && std::ranges::all_of(slot.host, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                   c == '-' || c == '_';
        });
    if (!valid) {
        throw StorageError(StorageErrorKind::invalid_path, kDirectory,
                           "the host's id is no possible name of a slot");
    }
    return fmt::format("{}.{}", slot.host, slot.epoch);
}

std::optional<SlotName> parse_file_name(std::string_view name) {
    const auto dot = name.find('.');
    if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
    SlotName slot{std::string(name.substr(0, dot)), 0};
    const std::string_view digits = name.substr(dot + 1);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, slot.epoch);
    if (error != std::errc{} || stop != end ||
        fmt::format("{}.{}", slot.host, slot.epoch) != name) {
        return std::nullopt;
    }
    return slot;
}

bool set_direct(int file, bool on) {
    const int flags = ::fcntl(file, F_GETFL);
    return flags >= 0 && ::fcntl(file, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

class Writer final : public HeartbeatWriter {
public:
    Writer(base::FileDescriptor file, std::string path)
        : file_(std::move(file)),
          path_(std::move(path)),
          is_direct_(set_direct(file_.get(), true)) {}

    void write(const HeartbeatRecord& record) override {
        const auto bytes = encode(record);
        std::memcpy(page_.bytes, bytes.data(), bytes.size());
        // A sector where the medium has those of 512 bytes, else the whole page.
        if (is_direct_ && (put(HeartbeatRecord::kBytes) || put(kFileBytes))) return;
        if (is_direct_) {
            set_direct(file_.get(), false);
            is_direct_ = false;
        }
        if (!put(HeartbeatRecord::kBytes)) throw StorageError::from_errno(EINVAL, path_, "write");
    }

    bool is_direct() const override { return is_direct_; }

private:
    // False if this length is not possible here.
    bool put(std::size_t length) {
        while (true) {
            const ssize_t wrote = ::pwrite(file_.get(), page_.bytes, length, 0);
            if (wrote == static_cast<ssize_t>(length)) break;
            if (wrote >= 0) throw StorageError::from_errno(EIO, path_, "write");
            if (errno == EINVAL) return false;
            if (errno != EINTR) throw StorageError::from_errno(errno, path_, "write");
        }
        // The medium's own cache, too.
        if (::fdatasync(file_.get()) != 0) throw StorageError::from_errno(errno, path_, "sync");
        return true;
    }

    base::FileDescriptor file_;
    std::string path_;
    Page page_;
    bool is_direct_;
};

}  // namespace

base::FileDescriptor DirectoryHeartbeats::open_directory(bool make) {
    const auto top = root_.open_top();
    if (make && ::mkdirat(top.get(), kDirectory, kDirectoryMode) == 0) {
        inherit_directory_mode(top.get(), kDirectory);
    }
    auto opened = open_beneath(top.get(), kDirectory, O_RDONLY | O_DIRECTORY);
    if (!opened && (make || errno != ENOENT)) {
        throw StorageError::from_errno(errno, kDirectory, "open");
    }
    return opened;
}

std::unique_ptr<HeartbeatWriter> DirectoryHeartbeats::create(const SlotName& name) {
    const std::string file = file_name(name);
    const std::string path = fmt::format("{}/{}", kDirectory, file);
    const auto directory = open_directory(true);
    // At full length before it gets its name: later writes must not depend on free space.
    TemporaryFile made(directory.get(), std::string(kFileBytes, '\0'), path);
    if (!made.link_as(file)) throw StorageError::from_errno(EEXIST, path, "create");
    base::FileDescriptor opened = open_beneath(directory.get(), file, O_RDWR);
    if (!opened) throw StorageError::from_errno(errno, path, "open");
    return std::make_unique<Writer>(std::move(opened), path);
}

std::vector<SlotName> DirectoryHeartbeats::list() {
    const auto directory = open_directory(false);
    std::vector<SlotName> slots;
    if (!directory) return slots;
    for (const std::string& name : read_names(directory.get(), kMaxSlots, kDirectory)) {
        if (auto slot = parse_file_name(name)) slots.push_back(std::move(*slot));
    }
    return slots;
}

HeartbeatRecord DirectoryHeartbeats::read(const SlotName& name) {
    const std::string path = fmt::format("{}/{}", kDirectory, file_name(name));
    const auto directory = open_directory(false);
    if (!directory) throw StorageError::from_errno(ENOENT, path, "open");
    const auto file = open_beneath(directory.get(), file_name(name), O_RDONLY);
    if (!file) throw StorageError::from_errno(errno, path, "open");
    set_direct(file.get(), true);
    const Page page;
    ssize_t got = ::pread(file.get(), page.bytes, kFileBytes, 0);
    if (got < 0 && errno == EINVAL && set_direct(file.get(), false)) {
        got = ::pread(file.get(), page.bytes, kFileBytes, 0);
    }
    if (got < 0) throw StorageError::from_errno(errno, path, "read");
    if (static_cast<std::size_t>(got) < HeartbeatRecord::kBytes) {
        throw StorageError(StorageErrorKind::corrupt, path, "the slot is cut short");
    }
    const std::span<const std::uint8_t, HeartbeatRecord::kBytes> bytes(page.bytes,
                                                                       HeartbeatRecord::kBytes);
    auto record = decode_heartbeat(bytes);
    if (record && record->epoch != name.epoch) {
        record = std::unexpected("the record is of another epoch");
    }
    if (!record) throw StorageError(StorageErrorKind::corrupt, path, record.error());
    return *record;
}

void DirectoryHeartbeats::remove(const SlotName& name) {
    const std::string file = file_name(name);
    const auto directory = open_directory(false);
    if (!directory || ::unlinkat(directory.get(), file.c_str(), 0) != 0) {
        throw StorageError::from_errno(directory ? errno : ENOENT, file, "remove");
    }
}

}  // namespace drover::storage::directory
