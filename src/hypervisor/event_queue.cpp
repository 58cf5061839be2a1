#include "hypervisor/event_queue.hpp"

#include <algorithm>
#include <exception>

#include "base/log.hpp"

namespace drover::hypervisor {

struct EventQueue::Subscriber {
    EventSink sink;
    std::uint64_t after = 0;  ///< sequence number of the last event that is not for it
    std::mutex calling{};     ///< held while the sink runs
    bool ended = false;       ///< under `calling`
};

struct EventQueue::State {
    struct Item {
        std::uint64_t sequence = 0;
        Event event{};
        std::shared_ptr<Subscriber> only_for{};
    };

    std::mutex mutex{};
    std::condition_variable changed{};
    std::deque<Item> items{};
    std::vector<std::shared_ptr<Subscriber>> subscribers{};
    std::uint64_t sequence = 0;
    bool connected = false;
    bool stopping = false;
    std::thread::id dispatcher{};

    void append(Event event, std::shared_ptr<Subscriber> only_for = {}) {
        if (const auto* connection = std::get_if<ConnectionEvent>(&event); connection && !only_for)
            connected = connection->connected;
        items.push_back({++sequence, std::move(event), std::move(only_for)});
    }
};

class EventQueue::Handle final : public Subscription {
public:
    Handle(std::shared_ptr<State> state, std::shared_ptr<Subscriber> subscriber)
        : state_(std::move(state)), subscriber_(std::move(subscriber)) {}

    ~Handle() override {
        bool from_sink = false;
        {
            const std::lock_guard lock(state_->mutex);
            std::erase(state_->subscribers, subscriber_);
            from_sink = std::this_thread::get_id() == state_->dispatcher;
        }
        if (from_sink) {
            // On the dispatcher's thread nothing else can be inside a sink of ours but ourselves.
            subscriber_->ended = true;
            return;
        }
        const std::lock_guard calling(subscriber_->calling);
        subscriber_->ended = true;
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

private:
    std::shared_ptr<State> state_;
    std::shared_ptr<Subscriber> subscriber_;
};

namespace {

void call(const EventSink& sink, const Event& event) {
    try {
        sink(event);
    } catch (const std::exception& error) {
        base::log_error("hypervisor: an event's receiver failed: {}", error.what());
    } catch (...) {
        base::log_error("hypervisor: an event's receiver failed");
    }
}

}  // namespace

EventQueue::EventQueue() : state_(std::make_shared<State>()) {
    thread_ = std::thread([state = state_] { run(state); });
}

EventQueue::~EventQueue() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_all();
    thread_.join();
}

void EventQueue::push(Event event) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->append(std::move(event));
        if (state_->items.size() > capacity) {
            base::log_error("hypervisor: {} events wait, dropping them", state_->items.size());
            const bool connected = state_->connected;
            state_->items.clear();
            state_->append(ConnectionEvent{false});
            if (connected) state_->append(ConnectionEvent{true});
        }
    }
    state_->changed.notify_all();
}

std::unique_ptr<Subscription> EventQueue::subscribe(EventSink sink) {
    auto subscriber = std::make_shared<Subscriber>();
    subscriber->sink = std::move(sink);
    {
        const std::lock_guard lock(state_->mutex);
        state_->append(ConnectionEvent{state_->connected}, subscriber);
        subscriber->after = state_->sequence;
        state_->subscribers.push_back(subscriber);
    }
    state_->changed.notify_all();
    return std::make_unique<Handle>(state_, std::move(subscriber));
}

void EventQueue::run(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    state->dispatcher = std::this_thread::get_id();
    for (;;) {
        state->changed.wait(lock, [&] { return state->stopping || !state->items.empty(); });
        if (state->stopping) return;
        const auto item = std::move(state->items.front());
        state->items.pop_front();
        const auto receivers = item.only_for ? std::vector{item.only_for} : state->subscribers;
        lock.unlock();
        for (const auto& receiver : receivers) {
            if (!item.only_for && item.sequence <= receiver->after) continue;
            const std::lock_guard calling(receiver->calling);
            if (!receiver->ended) call(receiver->sink, item.event);
        }
        lock.lock();
    }
}

}  // namespace drover::hypervisor
