// The fencer's process: ticks, and sees to it that there is an agent.

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "had/boot_clock.hpp"
#include "had/config.hpp"
#include "had/fence/keeper.hpp"
#include "had/programs.hpp"
#include "had/real_time.hpp"

namespace drover::had {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Others take over after 4 s of silence: the next agent is to be there before.
constexpr ha::Duration kAgentHangs = milliseconds{1500};
constexpr ha::Duration kAgentAgain = milliseconds{300};

std::atomic<bool> is_over = false;

[[noreturn]] void fail(const std::string& doing) {
    throw std::system_error(errno, std::generic_category(), doing);
}

passwd account_of(const std::string& user) {
    const auto* found = ::getpwnam(user.c_str());
    if (found == nullptr) throw std::runtime_error("there is no user " + user);
    return *found;
}

void make_directory(const std::filesystem::path& path, uid_t user, gid_t group, mode_t mode) {
    std::filesystem::create_directories(path.parent_path());
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) fail("make " + path.string());
    if (::chown(path.c_str(), user, group) != 0) fail("give away " + path.string());
    if (::chmod(path.c_str(), mode) != 0) fail("protect " + path.string());
}

base::FileDescriptor open_lock(const std::filesystem::path& path) {
    base::FileDescriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) fail("open " + path.string());
    return file;
}

// Machines get a monitor there even while nothing is protected, so that they can be later.
void make_directories(const Config& config) {
    const auto agent = account_of(config.user);
    const auto machines = account_of(config.machine_user);
    make_directory(config.run_directory, agent.pw_uid, agent.pw_gid, 0751);
    make_directory(config.monitors(), machines.pw_uid, agent.pw_gid, 0770);
}

class Fencer {
public:
    explicit Fencer(std::filesystem::path config_file)
        : config_file_(std::move(config_file)), config_(load_config(config_file_, names_)) {}

    int run() {
        prepare();
        SharedState shared(config_.run_directory / "state");
        const auto account = account_of(config_.user);
        if (::chown((config_.run_directory / "state").c_str(), account.pw_uid, account.pw_gid) !=
            0) {
            fail("give the shared state away");
        }
        auto& memory = shared.memory();
        memory.fencer = ::getpid();
        become_prompt();
        Keeper keeper(shared, {config_.monitors(), config_.reset, config_.watchdog});
        base::log_info("holds the deadline of this host's machines");
        while (!is_over) {
            memory.fencer_alive_us = boot_now().time_since_epoch().count();
            const auto wait = keeper.tick();
            watch_agent(memory);
            sleep(keeper, wait);
        }
        if (!has_protection(config_file_)) keeper.put_watchdog_away();
        return 0;
    }

private:
    void prepare() {
        const auto agent = account_of(config_.user);
        make_directories(config_);
        own_lock_ = open_lock(config_.run_directory / "fencer.lock");
        if (::flock(own_lock_.get(), LOCK_EX | LOCK_NB) != 0) {
            throw std::runtime_error("another fencer holds this host's deadline");
        }
        agent_lock_ = open_lock(config_.run_directory / "agent.lock");
        const auto wake = config_.run_directory / "wake";
        if (::mkfifo(wake.c_str(), 0600) != 0 && errno != EEXIST) fail("make " + wake.string());
        if (::chown(wake.c_str(), agent.pw_uid, agent.pw_gid) != 0) fail("give the pipe away");
        wake_ = base::FileDescriptor(
            ::open(wake.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
        if (!wake_) fail("open " + wake.string());
        for (const char* lock : {"fencer.lock", "agent.lock"}) {
            const auto path = config_.run_directory / lock;
            if (::chown(path.c_str(), 0, agent.pw_gid) != 0) fail("give a lock away");
            ::chmod(path.c_str(), 0660);
        }
    }

    void watch_agent(SharedMemory& memory) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
        const auto now = boot_now();
        if (::flock(agent_lock_.get(), LOCK_EX | LOCK_NB) != 0) {
            const ha::Time alive{ha::Duration{memory.agent_alive_us.load()}};
            const std::int32_t agent = memory.agent;
            if (agent > 1 && now - alive > kAgentHangs && now >= next_start_) {
                base::log_error("the agent hangs, it is started again");
                ::kill(agent, SIGKILL);
                next_start_ = now + seconds{1};
            }
            return;
        }
        ::flock(agent_lock_.get(), LOCK_UN);
        if (now < next_start_) return;
        next_start_ = now + kAgentAgain;
        if (is_retired(memory)) {
            is_over = true;
            return;
        }
        start_agent();
    }

    // The agent ends by itself when nothing is protected any more, and only then.
    bool is_retired(const SharedMemory& memory) const {
        // It has died, perhaps: whatever it guarded is this process's until another is there.
        const auto& image = memory.images[memory.current & 1U];
        for (std::uint32_t number = 0; number < image.count; ++number) {
            if (image.machines[number].is_guarded) return false;
        }
        try {
            if (has_protection(config_file_)) return false;
        } catch (const std::exception& error) {
            base::log_error("{}", error.what());
            return false;
        }
        base::log_info("nothing is protected any more");
        return true;
    }

    void start_agent() {
        std::string self = "/proc/self/exe";
        std::string agent = "--agent";
        std::string config = "--config";
        std::string file = config_file_.string();
        char name[] = "drover-had";
        char* arguments[] = {name, agent.data(), config.data(), file.data(), nullptr};
        posix_spawnattr_t how{};
        ::posix_spawnattr_init(&how);
        sigset_t all{};
        ::sigfillset(&all);
        ::posix_spawnattr_setsigdefault(&how, &all);
        // A session of its own: what ends this process need not end that one.
        ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
        pid_t child = 0;
        const int error = ::posix_spawn(&child, self.c_str(), nullptr, &how, arguments, environ);
        ::posix_spawnattr_destroy(&how);
        if (error != 0) base::log_error("can't start the agent: error {}", error);
    }

    void sleep(const Keeper& keeper, ha::Duration wait) {
        auto all = keeper.descriptors();
        all.push_back({wake_.get(), POLLIN, 0});
        const auto length = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
        ::poll(all.data(), all.size(), static_cast<int>(length));
        char drained[64];
        while (::read(wake_.get(), drained, sizeof(drained)) > 0) continue;
    }

    std::filesystem::path config_file_;
    Names names_;
    Config config_;
    base::FileDescriptor own_lock_;
    base::FileDescriptor agent_lock_;
    base::FileDescriptor wake_;
    ha::Time next_start_ = ha::kNever;
};

constexpr auto kLookForProtection = milliseconds{300};

// False if this process is to end before anything is protected.
bool wait_for_protection(const std::filesystem::path& config_file) {
    bool is_told = false;
    while (!is_over) {
        if (has_protection(config_file)) return true;
        if (!std::exchange(is_told, true)) {
            make_directories(load_administrator_config(config_file));
            base::log_info("nothing is protected on this host yet");
        }
        ::poll(nullptr, 0, static_cast<int>(kLookForProtection.count()));
    }
    return false;
}

}  // namespace

int run_fencer(const std::filesystem::path& config_file) {
    struct sigaction action{};
    action.sa_handler = [](int) { is_over = true; };
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    return wait_for_protection(config_file) ? Fencer(config_file).run() : 0;
}

}  // namespace drover::had
