#include "service/history/event_log.hpp"

#include "vim/history_types.hpp"

namespace drover::service {

std::int32_t EventLog::post(vim::Event event) {
    return post(std::move(event), {});
}

}  // namespace drover::service
