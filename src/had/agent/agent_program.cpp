// The agent's process: one thread drives the protocol, others wait for the datastore, and one is
// ready to do the fencer's work.

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

#include "base/log.hpp"
#include "had/agent/deputy.hpp"
#include "had/agent/driver.hpp"
#include "had/agent/privileges.hpp"
#include "had/boot_clock.hpp"
#include "had/programs.hpp"
#include "had/real_time.hpp"

namespace drover::had {

namespace {

constexpr std::size_t kStackBytes = 512 << 10;

// All memory is locked, so stacks of the usual size would cost.
void use_small_stacks() {
    pthread_attr_t how{};
    ::pthread_attr_init(&how);
    ::pthread_attr_setstacksize(&how, kStackBytes);
    ::pthread_setattr_default_np(&how);
    ::pthread_attr_destroy(&how);
}

base::FileDescriptor take_place(const std::filesystem::path& lock) {
    base::FileDescriptor file(::open(lock.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    // The fencer tries the lock now and then, for an instant.
    for (int attempt = 0; attempt < 50; ++attempt) {
        if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    throw std::runtime_error("there is another agent on this host, or no fencer");
}

// In the order of their numbers, so that they keep them.
void learn_machines(const SharedMemory& memory, Names& names) {
    const auto& image = memory.images[memory.current & 1U];
    for (std::uint32_t number = 0; number < image.count; ++number) {
        const auto& uuid = image.machines[number].uuid;
        const auto got = names.machine({uuid.data(), ::strnlen(uuid.data(), uuid.size())});
        if (!got || ha::index_of(*got) != number) {
            throw std::runtime_error("the shared state is damaged");
        }
    }
}

}  // namespace

int run_agent(const std::filesystem::path& config_file) {
    ::signal(SIGPIPE, SIG_IGN);
    const auto names = std::make_shared<Names>();
    // The run directory is needed to learn the machines' numbers, before the configuration names
    // machines by its own order.
    Names passing;
    const auto directory = load_config(config_file, passing).run_directory;
    const auto place = take_place(directory / "agent.lock");
    SharedState shared(directory / "state");
    auto& memory = shared.memory();
    memory.agent_alive_us = boot_now().time_since_epoch().count();
    memory.agent = ::getpid();
    learn_machines(memory, *names);
    auto config = load_config(config_file, *names);
    use_small_stacks();
    become_prompt();
    become(config.user);
    std::thread deputy(stand_in_for_fencer, std::ref(shared),
                       KeeperSettings{config.monitors(), config.reset, {}});
    Driver(std::move(config), config_file, names, shared, ::getuid()).run();
    // The deputy and the datastore's threads have nothing to guard and no end of their own.
    ::_exit(0);
}

}  // namespace drover::had
