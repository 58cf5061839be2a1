#include "had/fence/shared_state.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace drover::had {

namespace {

// The size is part of it: a program with another layout must not touch the state.
constexpr std::uint64_t kLayout = 0x6861'0001'0000'0000ULL + sizeof(SharedMemory);
constexpr long kPatienceNs = 200'000'000;

[[noreturn]] void fail(const char* doing) {
    throw std::system_error(errno, std::generic_category(), doing);
}

void make_mutex(pthread_mutex_t& mutex) {
    pthread_mutexattr_t how{};
    ::pthread_mutexattr_init(&how);
    ::pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&mutex, &how);
    ::pthread_mutexattr_destroy(&how);
}

bool lock_for_a_while(SharedMemory& memory) {
    timespec until{};
    ::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += kPatienceNs;
    if (until.tv_nsec >= 1'000'000'000) ++until.tv_sec, until.tv_nsec -= 1'000'000'000;
    const int error = ::pthread_mutex_clocklock(&memory.mutex, CLOCK_MONOTONIC, &until);
    if (error == EOWNERDEAD) ::pthread_mutex_consistent(&memory.mutex);
    if (error != 0 && error != EOWNERDEAD) return false;
    memory.holder = ::getpid();
    return true;
}

}  // namespace

void SharedImage::load(ha::Fencer& fencer) const {
    ha::FencerState state{permit, fenced, hard_end, last_pet, {}};
    for (std::uint32_t i = 0; i < count; ++i) {
        if (machines[i].is_guarded) state.machines.push_back(machines[i].guarded);
    }
    fencer.restore(state);
}

void SharedImage::save(const ha::Fencer& fencer) {
    const auto state = fencer.state();
    permit = state.permit;
    fenced = state.fenced;
    hard_end = state.hard_end;
    last_pet = state.last_pet;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto& each = machines[i];
        const bool was_guarded = std::exchange(each.is_guarded, false);
        const auto* guarded = fencer.find(ha::MachineId{i});
        if (guarded != nullptr) {
            each.guarded = *guarded;
            each.is_guarded = true;
            if (was_guarded) continue;
            each.ended_by_guest = each.is_free = each.has_moved = each.ends_migration = false;
            each.pid = 0;  // of one that ran here unguarded it may be another by now
            each.started = 0;
        } else if (was_guarded) {
            each.runs = each.launching = false;
            each.pid = 0;
            each.started = 0;
        }
    }
}

void SharedImage::note(const ha::FencerAction& action) {
    const auto index = ha::index_of(action.machine);
    if (index >= count) return;
    if (action.what == ha::FencerDo::pet_watchdog || action.what == ha::FencerDo::reset_host) {
        return;
    }
    machines[index].runs = action.what == ha::FencerDo::run;
    machines[index].ends_migration = action.ends_migration;
}

SharedState::SharedState(const std::filesystem::path& file)
    : file_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (!file_) fail("open the shared state");
    if (::flock(file_.get(), LOCK_EX) != 0) fail("lock the shared state");
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0) fail("look at the shared state");
    const bool is_new = status.st_size == 0;
    if (is_new && ::ftruncate(file_.get(), sizeof(SharedMemory)) != 0) fail("make shared state");
    if (!is_new && status.st_size != static_cast<off_t>(sizeof(SharedMemory))) {
        throw std::runtime_error("the shared state is another version's");
    }
    void* at =
        ::mmap(nullptr, sizeof(SharedMemory), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (at == MAP_FAILED) fail("map the shared state");
    memory_ = static_cast<SharedMemory*>(at);
    if (memory_->layout == 0) {
        new (memory_) SharedMemory;
        make_mutex(memory_->mutex);
        memory_->layout = kLayout;
    }
    if (memory_->layout != kLayout) {
        throw std::runtime_error("the shared state is another version's");
    }
    ::flock(file_.get(), LOCK_UN);
}

SharedState::~SharedState() {
    if (memory_ != nullptr) ::munmap(memory_, sizeof(SharedMemory));
}

std::optional<SharedState::Transaction> SharedState::begin() {
    if (lock_for_a_while(*memory_)) return Transaction(*memory_);
    const std::int32_t holder = memory_->holder;
    const bool is_known = holder == memory_->fencer || holder == memory_->agent;
    if (is_known && holder > 1 && holder != ::getpid()) ::kill(holder, SIGKILL);
    if (lock_for_a_while(*memory_)) return Transaction(*memory_);
    return std::nullopt;
}

SharedState::Transaction::Transaction(SharedMemory& memory) : memory_(&memory) {
    const std::uint32_t current = memory.current & 1U;
    const auto& from = memory.images[current];
    image_ = &memory.images[1 - current];
    image_->permit = from.permit;
    image_->fenced = from.fenced;
    image_->hard_end = from.hard_end;
    image_->last_pet = from.last_pet;
    image_->count = from.count;
    for (std::uint32_t i = 0; i < from.count; ++i) image_->machines[i] = from.machines[i];
}

SharedState::Transaction::Transaction(Transaction&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), image_(other.image_) {}

void SharedState::Transaction::commit() {
    memory_->current = 1 - (memory_->current & 1U);
    memory_->holder = 0;
    ::pthread_mutex_unlock(&memory_->mutex);
    memory_ = nullptr;
}

SharedState::Transaction::~Transaction() {
    if (memory_ == nullptr) return;
    memory_->holder = 0;
    ::pthread_mutex_unlock(&memory_->mutex);
}

}  // namespace drover::had
