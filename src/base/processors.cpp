#include "base/processors.hpp"

#include <sched.h>

#include <thread>

namespace drover::base {

unsigned available_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return static_cast<unsigned>(CPU_COUNT(&set));
    const unsigned all = std::thread::hardware_concurrency();  // more than the set can name
    return all > 0 ? all : 1;
}

}  // namespace drover::base
