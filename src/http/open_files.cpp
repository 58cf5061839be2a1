// A connection is a descriptor, and descriptors are limited.

#include <sys/resource.h>

#include <algorithm>

#include "base/log.hpp"
#include "http/server.hpp"

namespace drover::http {

void allow_many_connections() {
    constexpr rlim_t wanted = 65'536;
    struct rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        base::log_warning("the limit of open files can't be raised");
    }
}

}  // namespace drover::http
