#include "had/real_time.hpp"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/log.hpp"

namespace drover::had {

void become_prompt() {
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        base::log_warning("can't stay in memory: {}", ::strerror(errno));
    }
    sched_param how{};
    how.sched_priority = 10;
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &how) == 0) return;
    if (::setpriority(PRIO_PROCESS, 0, -19) != 0) {
        base::log_warning("can't run before others: {}", ::strerror(errno));
    }
}

}  // namespace drover::had
