#include "had/agent/deputy.hpp"

#include <signal.h>

#include <optional>

#include "base/log.hpp"
#include "had/boot_clock.hpp"

namespace drover::had {

namespace {

using std::chrono::milliseconds;

constexpr ha::Duration kSilent = milliseconds{200};
constexpr ha::Duration kHangs = milliseconds{500};
constexpr ha::Duration kLook = milliseconds{50};

}  // namespace

void stand_in_for_fencer(SharedState& shared, const KeeperSettings& settings) {
    std::optional<Keeper> keeper;
    auto& memory = shared.memory();
    while (true) {
        const ha::Time alive{ha::Duration{memory.fencer_alive_us.load()}};
        const ha::Duration silence = boot_now() - alive;
        ha::Duration wait = kLook;
        if (silence <= kSilent) {
            // Lets go of the monitors, which take one at a time.
            if (keeper) base::log_info("the fencer is back");
            keeper.reset();
        } else {
            if (!keeper) {
                base::log_error("the fencer is silent, the agent keeps the deadline");
                keeper.emplace(shared, settings);
            }
            const std::int32_t fencer = memory.fencer;
            if (silence > kHangs && fencer > 1) {
                ::kill(fencer, SIGKILL);
                memory.fencer = 0;
            }
            wait = std::min(keeper->tick(), kLook);
        }
        std::vector<pollfd> all;
        if (keeper) all = keeper->descriptors();
        const auto length = std::chrono::ceil<milliseconds>(wait).count();
        ::poll(all.data(), all.size(), static_cast<int>(length));
    }
}

}  // namespace drover::had
