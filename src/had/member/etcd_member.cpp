#include "had/member/etcd_member.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "had/fence/process.hpp"
#include "had/member/etcd_command.hpp"

namespace drover::had {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLook{500};
constexpr seconds kAgainLeast{1};
constexpr seconds kAgainMost{30};
constexpr seconds kLivesLong{30};
constexpr seconds kEndLimit{5};
// Members that hear of a new certificate are started again one after the other.
constexpr seconds kTurn{10};
constexpr std::uint64_t kNoteBytes = 64 << 10;

[[noreturn]] void fail(const std::string& doing) {
    throw std::system_error(errno, std::generic_category(), doing);
}

// So that a started process can be compared with what is wanted.
std::string print_of(const std::vector<std::string>& command, const EtcdConfig& config) {
    std::string all = config.authorities;
    for (const auto& each : command) all += each + '\n';
    return fmt::format("{:x}", std::hash<std::string>{}(all));
}

void ask_to_end(const Process& process) {
    ::syscall(SYS_pidfd_send_signal, process.descriptor(), SIGTERM, nullptr, 0);
}

}  // namespace

// Owned by the handle and by its thread: what hangs outlives the handle.
struct EtcdMember::Shared {
    explicit Shared(MemberPlace where)
        : place(std::move(where)),
          note(place.run_directory / "etcd.json"),
          pid_file(place.run_directory / "etcd.pid") {}

    static void run(std::shared_ptr<Shared> self) { self->work(); }
    void work();
    void find_again();
    void settle(const std::optional<EtcdConfig>& config);
    void start(const EtcdConfig& config, const std::vector<std::string>& command);
    void prepare(const EtcdConfig& config);
    void mark(const EtcdConfig& config);
    void end();
    void forget(const std::filesystem::path& directory, const std::filesystem::path& but);
    void write_note();

    const MemberPlace place;
    const std::filesystem::path note;
    const std::filesystem::path pid_file;

    mutable std::mutex mutex{};
    std::condition_variable changed{};
    std::optional<EtcdConfig> wanted{};
    std::uint64_t wishes = 0;   ///< counts what was wanted
    std::uint64_t settled = 0;  ///< the wish that was carried out
    std::int32_t shown_pid = 0;
    bool is_over = false;

    // The thread's own: the process, and what of.
    Process process{};
    std::string token{};
    std::string print{};
    std::filesystem::path directory{};
    Clock::time_point started{};
    Clock::time_point next_start{};
    seconds pause = kAgainLeast;
    std::optional<Clock::time_point> turn{};
    std::string told{};
};

void EtcdMember::Shared::work() {
    find_again();
    std::unique_lock lock(mutex);
    while (!is_over) {
        // Before anything was said what runs is left as it is.
        if (wishes == 0) {
            changed.wait_for(lock, kLook);
            continue;
        }
        const auto config = wanted;
        const auto number = wishes;
        lock.unlock();
        std::string problem;
        try {
            settle(config);
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (!problem.empty() && problem != told) base::log_error("etcd: {}", problem);
        if (!problem.empty() || process.is_alive()) told = problem;
        lock.lock();
        settled = problem.empty() ? number : settled;
        shown_pid = process.is_alive() ? process.pid() : 0;
        changed.notify_all();
        if (number == wishes && !is_over) changed.wait_for(lock, kLook);
    }
}

// Of an agent that was here before. The process has written its number itself, before it became
// etcd: it is known whenever that agent died.
void EtcdMember::Shared::find_again() {
    std::error_code error;
    if (!std::filesystem::exists(note, error)) return;
    try {
        const auto json = nlohmann::json::parse(base::read_file(note, kNoteBytes));
        directory = json.at("directory").get<std::string>();
        token = json.at("token").get<std::string>();
        print = json.at("print").get<std::string>();
        std::int32_t pid = 0;
        std::uint64_t began = 0;
        std::istringstream(base::read_file(pid_file, kNoteBytes)) >> pid >> began;
        process = Process(pid, began);
    } catch (const std::exception& problem) {
        base::log_warning("{}: {}", note.string(), problem.what());
    }
}

void EtcdMember::Shared::settle(const std::optional<EtcdConfig>& config) {
    if (process.pid() > 1) ::waitpid(process.pid(), nullptr, WNOHANG);
    const bool is_member = config && member_of(*config, place.host);
    if (!is_member) {
        end();
        std::error_code error;
        if (!directory.empty()) std::filesystem::remove_all(directory, error);
        std::filesystem::remove(note, error);
        std::filesystem::remove(pid_file, error);
        directory.clear();
        return;
    }
    const auto command = etcd_command(place.program, *config, place.host);
    const auto wanted_print = print_of(command, *config);
    if (process.is_alive()) {
        if (print == wanted_print) {
            turn.reset();
            return;
        }
        if (token == config->token) {
            std::size_t at = 0;
            while (config->members[at].host != place.host) ++at;
            if (!turn) turn = Clock::now() + kTurn * static_cast<int>(at);
            if (Clock::now() < *turn) return;
        }
        turn.reset();
        end();
        next_start = {};
    }
    if (Clock::now() < next_start) return;
    const bool lived = Clock::now() - started > kLivesLong;
    pause = lived ? kAgainLeast : std::min(pause * 2, kAgainMost);
    next_start = Clock::now() + pause;
    prepare(*config);
    start(*config, command);
}

void EtcdMember::Shared::prepare(const EtcdConfig& config) {
    directory = config.directory;
    const auto data = member_data(config);
    std::filesystem::create_directories(directory);
    forget(directory, data);
    mark(config);
    if (::mkdir(data.c_str(), 0700) != 0 && errno != EEXIST) fail("make " + data.string());
    base::write_file_atomically(member_authorities(config), config.authorities, 0640);
}

// A member that comes back without what it has promised could make others forget what was
// acknowledged. The mark is where this host's loss of files does not reach.
void EtcdMember::Shared::mark(const EtcdConfig& config) {
    const auto file = place.marks / (place.host + ".etcd." + config.token);
    std::error_code error;
    const bool has_data = std::filesystem::exists(member_data(config) / "member", error);
    if (has_data) return;
    std::filesystem::create_directory(place.marks);
    const base::FileDescriptor made(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!made && errno == EEXIST) {
        throw std::runtime_error(
            "this host's member has lost its data and stays away until the members change");
    }
    if (!made) fail("make " + file.string());
    if (::fsync(made.get()) != 0) fail("write " + file.string());
    for (const auto& each : std::filesystem::directory_iterator(place.marks, error)) {
        const auto name = each.path().filename().string();
        if (name.starts_with(place.host + ".etcd.") && each.path() != file) {
            std::filesystem::remove(each.path(), error);
        }
    }
}

void EtcdMember::Shared::forget(const std::filesystem::path& within,
                                const std::filesystem::path& but) {
    std::error_code error;
    for (const auto& each : std::filesystem::directory_iterator(within, error)) {
        const bool is_data = each.path().filename().string().starts_with("data-");
        if (is_data && each.path() != but) std::filesystem::remove_all(each.path(), error);
    }
}

void EtcdMember::Shared::start(const EtcdConfig& config, const std::vector<std::string>& command) {
    token = config.token;
    print = print_of(command, config);
    write_note();
    std::vector<std::string> texts{"drover-had", "--member", pid_file.string()};
    texts.insert(texts.end(), command.begin(), command.end());
    std::vector<char*> arguments;
    for (auto& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    posix_spawnattr_t how{};
    ::posix_spawnattr_init(&how);
    sigset_t all{};
    sigset_t none{};
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&how, &all);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setflags(&how,
                               POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    pid_t child = 0;
    const int error =
        ::posix_spawn(&child, place.launcher.c_str(), nullptr, &how, arguments.data(), environ);
    ::posix_spawnattr_destroy(&how);
    if (error != 0) throw std::system_error(error, std::generic_category(), "start etcd");
    process = Process(child);
    started = Clock::now();
    base::log_info("etcd {} is started as {}", token, child);
}

void EtcdMember::Shared::write_note() {
    const nlohmann::json json{
        {"directory", directory.string()}, {"token", token}, {"print", print}};
    std::filesystem::remove(pid_file);
    base::write_file_atomically(note, json.dump() + "\n", 0640);
}

void EtcdMember::Shared::end() {
    if (process.is_alive()) {
        ask_to_end(process);
        const auto limit = Clock::now() + kEndLimit;
        while (process.is_alive() && Clock::now() < limit) {
            std::this_thread::sleep_for(milliseconds{50});
        }
        if (process.is_alive()) process.kill();
        while (process.is_alive()) std::this_thread::sleep_for(milliseconds{50});
        base::log_info("etcd {} has ended", token);
    }
    if (process.pid() > 1) ::waitpid(process.pid(), nullptr, WNOHANG);
    process = Process();
}

EtcdMember::EtcdMember(MemberPlace place) : shared_(std::make_shared<Shared>(std::move(place))) {
    std::thread(Shared::run, shared_).detach();
}

EtcdMember::~EtcdMember() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_over = true;
    shared_->changed.notify_all();
}

void EtcdMember::want(std::optional<EtcdConfig> config) {
    const std::lock_guard lock(shared_->mutex);
    shared_->wanted = std::move(config);
    ++shared_->wishes;
    shared_->changed.notify_all();
}

bool EtcdMember::is_settled() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->settled == shared_->wishes;
}

std::int32_t EtcdMember::pid() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->shown_pid;
}

}  // namespace drover::had
