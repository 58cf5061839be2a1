#include "service/property_collector.hpp"

#include <algorithm>

namespace drover::service {

using model::PropertyCollectors;
using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

// How long a wait lasts at most; clients that set no limit are woken with nothing now and then
// only by the documented means, so this bounds what a vanished client costs.
constexpr std::chrono::seconds kLongestWait{30 * 60};

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

template <class T>
Value array_of(TypeId element, const std::vector<T>& items) {
    std::vector<Value> values;
    values.reserve(items.size());
    for (const auto& item : items) values.push_back(vim::Convert<T>::to(item));
    return Value::array(element, std::move(values));
}

struct WaitState {
    explicit WaitState(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    model::WaitResult result;
    bool answered = false;
};

// Waits for the collector's callback or the end of the time, whichever comes first.
Awaitable<Value> wait_for_updates(PropertyCollectors& collectors, Readers readers, Call call,
                                  std::string version, vim::WaitOptions options) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto state = std::make_shared<WaitState>(executor);
    model::WaitHandle handle = collectors.wait_for_updates(
        *readers(*call.caller), call.self, version, options, [state](model::WaitResult result) {
            state->result = std::move(result);
            state->answered = true;
            state->timer.cancel();
        });
    if (call.caller->when_gone) {
        call.caller->when_gone(call.caller->connection, [state, handle]() mutable {
            if (state->answered) return;
            handle.drop();
            state->answered = true;
            state->timer.cancel();
        });
    }
    const auto seconds = options ? options.maxWaitSeconds() : std::nullopt;
    const std::chrono::seconds limit =
        seconds ? std::chrono::seconds{std::max(*seconds, 0)} : kLongestWait;
    state->timer.expires_after(std::min(limit, kLongestWait));
    if (!state->answered) {
        co_await state->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (!state->answered) {
        handle.expire();
        // The answer may come from a scheduled job.
        while (!state->answered) {
            state->timer.expires_after(std::chrono::seconds{1});
            co_await state->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
    }
    if (state->result.fault) throw *state->result.fault;
    co_return state->result.updates ? state->result.updates->raw() : Value{};
}

void serve_reading(task::Dispatcher& dispatcher, PropertyCollectors& collectors,
                   const Readers& readers) {
    dispatcher.add_direct("RetrieveProperties", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::RetrievePropertiesRequest>();
        require_session(call, request.specSet());
        return array_of(
            TypeId::ObjectContent,
            collectors.retrieve_properties(*readers(*call.caller), request.specSet().to_vector()));
    });
    dispatcher.add_direct("RetrievePropertiesEx", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::RetrievePropertiesExRequest>();
        require_session(call, request.specSet());
        const auto result = collectors.retrieve_properties_ex(
            readers(*call.caller), call.self, request.specSet().to_vector(), request.options());
        // vSphere leaves the result out where nothing was found.
        return result && !result.objects().empty() ? result.raw() : Value{};
    });
    dispatcher.add_direct("ContinueRetrievePropertiesEx", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::ContinueRetrievePropertiesExRequest>();
        return collectors
            .continue_retrieve_properties_ex(*readers(*call.caller), call.self, request.token())
            .raw();
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
    dispatcher.add_direct("CheckForUpdates", [&collectors, readers](const Call& call) {
        const auto request = call.arguments<vim::CheckForUpdatesRequest>();
        const auto updates = collectors.check_for_updates(*readers(*call.caller), call.self,
                                                          request.version().value_or(""));
        return updates ? updates->raw() : Value{};
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
    dispatcher.add("WaitForUpdates", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::WaitForUpdatesRequest>();
        return wait_for_updates(collectors, readers, call,
                                std::string(request.version().value_or("")), {});
    });
    dispatcher.add("WaitForUpdatesEx", [&collectors, readers](Call call) {
        const auto request = call.arguments<vim::WaitForUpdatesExRequest>();
        return wait_for_updates(collectors, readers, call,
                                std::string(request.version().value_or("")), request.options());
    });
}

}  // namespace drover::service
