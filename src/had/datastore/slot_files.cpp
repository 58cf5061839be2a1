#include "had/datastore/slot_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <system_error>

#include "base/file.hpp"

namespace drover::had {

namespace {

constexpr std::string_view kMiddle = ".epoch.";
constexpr std::size_t kMostFiles = 4096;

[[noreturn]] void fail(const std::filesystem::path& path, const char* doing) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("{} {}", doing, path.string()));
}

// Memory as direct access wants it.
class Pages {
public:
    Pages() : bytes_(static_cast<std::uint8_t*>(std::aligned_alloc(kSlotPageBytes, kSlotBytes))) {
        if (bytes_ == nullptr) throw std::bad_alloc();
        std::memset(bytes_, 0, kSlotBytes);
    }
    ~Pages() { std::free(bytes_); }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    std::span<std::uint8_t> all() { return {bytes_, kSlotBytes}; }

private:
    std::uint8_t* bytes_;
};

// Some file systems (tmpfs) know no direct access; there the page cache is the medium.
base::FileDescriptor open_direct(const std::filesystem::path& path, int flags) {
    const int common = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    base::FileDescriptor file(::open(path.c_str(), common | O_DIRECT));
    if (!file && errno == EINVAL) file = base::FileDescriptor(::open(path.c_str(), common));
    if (!file) fail(path, "open");
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) fail(path, "look at");
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        fail(path, "open");
    }
    return file;
}

void put(int file, std::span<const std::uint8_t> bytes, const std::filesystem::path& path) {
    while (true) {
        const ssize_t wrote = ::pwrite(file, bytes.data(), bytes.size(), 0);
        if (wrote == static_cast<ssize_t>(bytes.size())) return;
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote >= 0) errno = EIO;
        fail(path, "write");
    }
}

// What others can't find by its name, they don't read: it was deleted, or moved with its directory.
void require_found_by_name(int file, const std::filesystem::path& path) {
    struct stat opened{};
    struct stat named{};
    if (::fstat(file, &opened) != 0 || ::stat(path.c_str(), &named) != 0) fail(path, "look at");
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) {
        errno = ENOENT;
        fail(path, "write");
    }
}

}  // namespace

SlotFiles::SlotFiles(std::filesystem::path directory, Names& names)
    : directory_(std::move(directory)), names_(names) {}

std::filesystem::path SlotFiles::file_of(const ha::Tenure& who) const {
    return directory_ / fmt::format("{}{}{}", names_.uuid_of(who.host), kMiddle, who.epoch);
}

bool SlotFiles::create(const ha::Slot& slot) {
    if (::mkdir(directory_.c_str(), 02770) != 0 && errno != EEXIST) fail(directory_, "make");
    const auto path = file_of(slot.who);
    auto passing = path;
    passing += fmt::format(".{}.new", ::getpid());
    std::vector<std::uint8_t> content = encode_slot(slot, names_);
    content.resize(kSlotBytes);
    ::unlink(passing.c_str());
    base::FileDescriptor file(
        ::open(passing.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660));
    if (!file) fail(passing, "make");
    bool won = false;
    try {
        put(file.get(), content, passing);
        if (::fsync(file.get()) != 0) fail(passing, "sync");
        won = ::link(passing.c_str(), path.c_str()) == 0;
        if (!won && errno != EEXIST) fail(path, "make");
    } catch (...) {
        ::unlink(passing.c_str());
        throw;
    }
    ::unlink(passing.c_str());
    if (!won) return false;
    base::sync_directory(directory_);
    auto own = list()[slot.who.host];
    for (std::size_t old = 0; old + kKept < own.size(); ++old) {
        ::unlink(file_of({slot.who.host, own[old]}).c_str());
    }
    return true;
}

std::shared_ptr<const base::FileDescriptor> SlotFiles::file_to_write(const ha::Tenure& who) {
    const std::lock_guard lock(mutex_);
    if (open_ && open_for_ == who) return open_;
    open_.reset();
    auto file = open_direct(file_of(who), O_WRONLY | O_DSYNC);
    open_ = std::make_shared<const base::FileDescriptor>(std::move(file));
    open_for_ = who;
    return open_;
}

void SlotFiles::close_written() {
    const std::lock_guard lock(mutex_);
    open_.reset();
}

void SlotFiles::write(const ha::Slot& slot) {
    const auto path = file_of(slot.who);
    const auto file = file_to_write(slot.who);
    const auto content = encode_slot(slot, names_);
    Pages pages;
    std::ranges::copy(content, pages.all().begin());
    try {
        put(file->get(), pages.all().first(content.size()), path);
        require_found_by_name(file->get(), path);
    } catch (...) {
        // A handle may have gone stale with the server that gave it.
        close_written();
        throw;
    }
}

std::map<ha::HostId, std::vector<ha::Epoch>> SlotFiles::list() {
    std::map<ha::HostId, std::vector<ha::Epoch>> found;
    std::error_code error;
    std::size_t files = 0;
    auto entries = std::filesystem::directory_iterator(directory_, error);
    if (error == std::errc::no_such_file_or_directory) return {};  // nobody has ever joined
    if (error) throw std::system_error(error, directory_.string());
    for (const auto end = std::filesystem::directory_iterator(); entries != end;) {
        const std::string name = entries->path().filename().string();
        entries.increment(error);
        if (error) throw std::system_error(error, directory_.string());
        if (++files > kMostFiles) throw std::runtime_error("too many files of slots");
        const auto middle = name.find(kMiddle);
        if (middle == std::string::npos) continue;
        const std::string_view digits = std::string_view(name).substr(middle + kMiddle.size());
        ha::Epoch epoch = 0;
        const auto* last = digits.data() + digits.size();
        const auto [stop, problem] = std::from_chars(digits.data(), last, epoch);
        if (problem != std::errc{} || stop != last || epoch == 0 || digits.front() == '0') continue;
        if (const auto host = names_.host(name.substr(0, middle))) found[*host].push_back(epoch);
    }
    for (auto& [host, epochs] : found) std::ranges::sort(epochs);
    return found;
}

ha::Slot SlotFiles::read(const ha::Tenure& who) {
    const auto path = file_of(who);
    const auto file = open_direct(path, O_RDONLY);
    Pages pages;
    ssize_t got = -1;
    do {
        got = ::pread(file.get(), pages.all().data(), kSlotBytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) fail(path, "read");
    auto slot = decode_slot(pages.all().first(static_cast<std::size_t>(got)), who, names_);
    if (!slot) throw std::runtime_error(fmt::format("{}: {}", path.string(), slot.error()));
    return std::move(*slot);
}

std::vector<ha::Slot> SlotFiles::read_all() {
    std::vector<ha::Slot> slots;
    for (const auto& [host, epochs] : list()) {
        const auto first = epochs.size() > kKept ? epochs.size() - kKept : 0;
        for (auto i = first; i < epochs.size(); ++i) {
            const ha::Tenure who{host, epochs[i]};
            try {
                slots.push_back(read(who));
            } catch (const std::exception&) {
                slots.push_back({.who = who, .readable = false});
            }
        }
    }
    return slots;
}

}  // namespace drover::had
