#pragma once

#include <deque>
#include <memory>

#include "task/runtime.hpp"

namespace drover::service {

/// Lets coroutines of one strand through one after the other, in the order in which they came.
class Turns {
public:
    explicit Turns(task::Runtime& runtime) : runtime_(runtime) {}
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    /// Whoever holds it is alone. Movable; lets the next one in when it goes.
    class Turn {
    public:
        explicit Turn(Turns* turns) : turns_(turns) {}
        Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (turns_ != nullptr) turns_->end();
        }

    private:
        Turns* turns_;
    };

    task::Awaitable<Turn> take() {
        if (!taken_) {
            taken_ = true;
            co_return Turn(this);
        }
        auto timer = std::make_shared<boost::asio::steady_timer>(
            runtime_.strand(), boost::asio::steady_timer::time_point::max());
        waiting_.push_back(timer);
        co_await timer->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return Turn(this);  // handed over by end(): `taken_` stayed true
    }

private:
    void end() {
        if (waiting_.empty()) {
            taken_ = false;
            return;
        }
        const auto next = waiting_.front();
        waiting_.pop_front();
        next->cancel();
    }

    task::Runtime& runtime_;
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
    bool taken_ = false;
};

}  // namespace drover::service
