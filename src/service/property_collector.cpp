#include "service/property_collector.hpp"

#include <algorithm>

namespace drover::service {

using model::PropertyCollectors;
using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

// How many objects are read before others get their turn on the strand: a millisecond's work.
constexpr std::size_t kObjectsAtOnce = 1'000;

// Without a session nothing but the service instance can be read.
void require_session(const Call& call, const vim::ArrayView<vim::PropertyFilterSpec>& specs) {
    if (!call.caller->session_key.empty()) return;
    for (const auto& spec : specs) {
        for (const auto& object : spec.objectSet()) {
            if (object.obj().type == TypeId::ServiceInstance) continue;
            auto fault = vim::NotAuthenticated::make();
            fault.set_object(object.obj());
            fault.set_privilegeId("System.View");
            throw vim::Fault(fault, "The session is not authenticated.");
        }
    }
}

using Answer = Value (*)(const model::Gathered&);

// Gathers in pieces; the answer is put together off the strand, when the endpoint asks for it.
Awaitable<Value> retrieve(model::Retrieval retrieval, Call call, Answer answer) {
    const auto executor = co_await boost::asio::this_coro::executor;
    while (!retrieval.advance(kObjectsAtOnce)) {
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
    const auto gathered = retrieval.take();
    call.caller->finish = [gathered, answer] { return answer(*gathered); };
    // An answer without any object is not always a result with nothing in it.
    if (gathered->size() > 0) call.caller->gathered = gathered;
    co_return Value{};
}

Value contents(const model::Gathered& gathered) {
    return gathered.contents();
}

Value result(const model::Gathered& gathered) {
    return gathered.result();
}

// vSphere leaves the first result out where nothing was found.
Value result_if_any(const model::Gathered& gathered) {
    return gathered.size() > 0 ? gathered.result() : Value{};
}

struct WaitState {
    explicit WaitState(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    model::WaitResult result;
    bool answered = false;
};

// Waits for the collector's callback or the end of the time, whichever comes first.
Awaitable<Value> wait_for_updates(PropertyCollectors& collectors, model::ReaderPtr reader,
                                  Call call, std::string version, vim::WaitOptions options,
                                  bool takes_truncated) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto state = std::make_shared<WaitState>(executor);
    model::WaitHandle handle = collectors.wait_for_updates(
        reader, call.self, version, options,
        [state](model::WaitResult result) {
            state->result = std::move(result);
            state->answered = true;
            state->timer.cancel();
        },
        takes_truncated);
    if (call.caller->when_gone) {
        call.caller->when_gone(call.caller->connection, [state, handle]() mutable {
            if (state->answered) return;
            handle.drop();
            state->answered = true;
            state->timer.cancel();
        });
    }
    const auto seconds = options ? options.maxWaitSeconds() : std::nullopt;
    // 0 seconds need no timer: the collector answers as soon as it has looked.
    if (seconds && *seconds > 0) {
        state->timer.expires_after(std::chrono::seconds{*seconds});
        co_await state->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (!state->answered) handle.expire();
    }
    while (!state->answered) {
        state->timer.expires_at(std::chrono::steady_clock::time_point::max());
        co_await state->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (state->result.fault) throw *state->result.fault;
    co_return state->result.updates ? state->result.updates->raw() : Value{};
}

// CheckForUpdates is a wait that takes no time.
vim::WaitOptions at_once() {
    auto options = vim::WaitOptions::make();
    options.set_maxWaitSeconds(0);
    return options;
}

void serve_reading(task::Dispatcher& dispatcher, PropertyCollectors& collectors,
                   const Readers& readers) {
    dispatcher.add("RetrieveProperties", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::RetrievePropertiesRequest>();
        require_session(call, request.specSet());
        return retrieve(collectors.begin_retrieval(readers(*call.caller), call.self,
                                                   request.specSet().to_vector()),
                        call, contents);
    });
    dispatcher.add("RetrievePropertiesEx", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::RetrievePropertiesExRequest>();
        require_session(call, request.specSet());
        return retrieve(
            collectors.begin_retrieval(readers(*call.caller), call.self,
                                       request.specSet().to_vector(), request.options()),
            call, result_if_any);
    });
    dispatcher.add("ContinueRetrievePropertiesEx", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::ContinueRetrievePropertiesExRequest>();
        return retrieve(
            collectors.continue_retrieval(readers(*call.caller), call.self, request.token()), call,
            result);
    });
    dispatcher.add_direct("CancelRetrievePropertiesEx", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::CancelRetrievePropertiesExRequest>();
        collectors.cancel_retrieve_properties_ex(*readers(*call.caller), call.self,
                                                 request.token());
        return Value{};
    });
}

void serve_following(task::Dispatcher& dispatcher, PropertyCollectors& collectors,
                     const Readers& readers) {
    dispatcher.add_direct("CreateFilter", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::CreateFilterRequest>();
        return Value::moref(collectors.create_filter(readers(*call.caller), call.self,
                                                     request.spec(), request.partialUpdates()));
    });
    dispatcher.add_direct("DestroyPropertyFilter", [&collectors, readers](const Call& call) {
        collectors.destroy_filter(*readers(*call.caller), call.self);
        return Value{};
    });
    dispatcher.add_direct("CreatePropertyCollector", [&collectors, readers](const Call& call) {
        return Value::moref(collectors.create_property_collector(*readers(*call.caller)));
    });
    dispatcher.add_direct("DestroyPropertyCollector", [&collectors, readers](const Call& call) {
        collectors.destroy_property_collector(*readers(*call.caller), call.self);
        return Value{};
    });
    dispatcher.add_direct("CancelWaitForUpdates", [&collectors, readers](const Call& call) {
        collectors.cancel_wait_for_updates(*readers(*call.caller), call.self);
        return Value{};
    });
}

}  // namespace

void serve_property_collector(task::Dispatcher& dispatcher, PropertyCollectors& collectors,
                              Readers readers) {
    serve_reading(dispatcher, collectors, readers);
    serve_following(dispatcher, collectors, readers);
    dispatcher.add("CheckForUpdates", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::CheckForUpdatesRequest>();
        return wait_for_updates(collectors, readers(*call.caller), call,
                                std::string(request.version().value_or("")), at_once(), false);
    });
    dispatcher.add("WaitForUpdates", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::WaitForUpdatesRequest>();
        return wait_for_updates(collectors, readers(*call.caller), call,
                                std::string(request.version().value_or("")), {}, false);
    });
    dispatcher.add("WaitForUpdatesEx", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::WaitForUpdatesExRequest>();
        return wait_for_updates(collectors, readers(*call.caller), call,
                                std::string(request.version().value_or("")), request.options(),
                                true);
    });
}

}  // namespace drover::service
