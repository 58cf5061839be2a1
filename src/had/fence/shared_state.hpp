#pragma once

// What the fencer's and the agent's process both hold: the permit, and every machine that has a
// process on this host. It lives in a file of memory that outlives both and dies with the host.
//
// There are two images. A transaction works on a copy and makes it the current one as its last
// act: who dies in the middle of one leaves what was before.

#include <pthread.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/file.hpp"
#include "ha/fence/fencer.hpp"
#include "had/names.hpp"

namespace drover::had {

/// One machine that this host has heard of; its place in the list is its number.
struct SharedMachine {
    std::array<char, 40> uuid{};
    ha::Guarded guarded{};
    bool is_guarded = false;
    bool runs = false;            ///< to be told to run, and has not been yet
    bool launching = false;       ///< hostd may be making its process just now
    bool ended_by_guest = false;  ///< the guest turned itself off
    bool is_free = false;         ///< runs without protection, since it is configured so
    bool ends_migration = false;  ///< told to run, it is past whatever migration stopped it
    bool has_moved = false;       ///< its engine sent all of it, and it has not run since
    std::int32_t pid = 0;         ///< of its process, once known
    std::uint64_t started = 0;    ///< of that process, in the kernel's ticks
};

struct SharedImage {
    ha::Permit permit{};
    bool fenced = true;
    ha::Time hard_end = ha::kNever;
    ha::Time last_pet = ha::kNever;
    std::uint32_t count = 0;
    std::array<SharedMachine, Names::kMostMachines> machines{};

    void load(ha::Fencer& fencer) const;
    /// Of machines that the fencer no longer knows the process is forgotten too.
    void save(const ha::Fencer& fencer);
    /// What the fencer wants done and whoever ticks has not done yet.
    void note(const ha::FencerAction& action);
};

struct SharedMemory {
    std::uint64_t layout = 0;  ///< written last
    pthread_mutex_t mutex{};
    std::atomic<std::int32_t> holder{0};  ///< the process that has the mutex
    std::atomic<std::int32_t> fencer{0};
    std::atomic<std::int32_t> agent{0};
    std::atomic<std::int64_t> fencer_alive_us{0};  ///< by the boot clock
    std::atomic<std::int64_t> agent_alive_us{0};
    std::atomic<std::uint32_t> current{0};
    std::array<SharedImage, 2> images{};
};

class SharedState {
public:
    /// Opens the file, or makes it. Throws if another version of this program made it.
    explicit SharedState(const std::filesystem::path& file);
    ~SharedState();
    SharedState(const SharedState&) = delete;
    SharedState& operator=(const SharedState&) = delete;

    SharedMemory& memory() { return *memory_; }

    /// Alone with the state, for the shortest time. What was changed counts after commit().
    class Transaction {
    public:
        explicit Transaction(SharedMemory& memory);
        Transaction(Transaction&& other) noexcept;
        ~Transaction();
        SharedImage& image() { return *image_; }
        void commit();

    private:
        SharedMemory* memory_;
        SharedImage* image_;
    };

    /// Waits for the other process, but not for ever: one that does not let go in 200 ms hangs, and
    /// is killed. Nothing if even that does not help for as long again.
    std::optional<Transaction> begin();

private:
    base::FileDescriptor file_;
    SharedMemory* memory_ = nullptr;
};

}  // namespace drover::had
