#include "host/machines/side_by_side.hpp"

#include "base/log.hpp"
#include "host/faults.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

struct Crew {
    explicit Crew(const boost::asio::any_io_executor& executor) : all_done(executor) {
        all_done.expires_at(boost::asio::steady_timer::time_point::max());
    }
    std::string name;
    std::size_t next = 0;
    std::size_t count = 0;
    std::size_t working = 0;
    std::function<Awaitable<void>(std::size_t)> work;
    boost::asio::steady_timer all_done;
};

Awaitable<void> work_along(std::shared_ptr<Crew> crew) {
    while (crew->next < crew->count) {
        try {
            co_await crew->work(crew->next++);
        } catch (...) {
            base::log_error("{}: {}", crew->name, fault_of(std::current_exception()).message());
        }
    }
    if (--crew->working == 0) crew->all_done.cancel();
}

}  // namespace

Awaitable<void> side_by_side(task::Runtime& runtime, std::string name, std::size_t count,
                             std::size_t width, std::function<Awaitable<void>(std::size_t)> work) {
    const auto crew = std::make_shared<Crew>(runtime.strand());
    crew->name = std::move(name);
    crew->count = count;
    crew->work = std::move(work);
    crew->working = std::min(count, width);
    const std::size_t hands = crew->working;
    for (std::size_t i = 0; i < hands; ++i) runtime.spawn(crew->name, work_along(crew));
    while (crew->working > 0) {
        co_await crew->all_done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
}

}  // namespace drover::host
