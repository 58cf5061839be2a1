#include "client/wait.hpp"

#include <algorithm>

#include "client/retrieve.hpp"

namespace drover::client {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kLongestPoll = 30s;

// A property collector with one filter. The collector is one of our own where the server lets us:
// others of the same session may be waiting at the shared one, and would see our filter.
class Watch {
public:
    Watch(Connection& connection, const vim::MoRef& object, const std::vector<std::string>& paths)
        : connection_(connection), collector_(connection.content().propertyCollector()) {
        if (connection.has_method("CreatePropertyCollector")) {
            const auto made = connection.call("CreatePropertyCollector", collector_);
            if (made.kind() == vim::ValueKind::moref) {
                collector_ = made.as_moref();
                own_ = true;
            }
        }
        try {
            create_filter(object, paths);
        } catch (...) {
            end();
            throw;
        }
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { end(); }

    // What changed since the last call; unset if nothing did.
    vim::UpdateSet wait(std::chrono::seconds longest) {
        vim::UpdateSet update;
        if (connection_.has_method("WaitForUpdatesEx")) {
            auto options = vim::WaitOptions::make();
            options.set_maxWaitSeconds(static_cast<std::int32_t>(longest.count()));
            auto request = vim::WaitForUpdatesExRequest::make();
            request.set_version(version_);
            request.set_options(options);
            update = vim::UpdateSet(connection_.call("WaitForUpdatesEx", collector_, request,
                                                     longest + std::chrono::seconds(60)));
        } else {
            auto request = vim::WaitForUpdatesRequest::make();
            request.set_version(version_);
            update = vim::UpdateSet(
                connection_.call("WaitForUpdates", collector_, request, std::chrono::hours(1)));
        }
        if (update) version_ = update.version();
        return update;
    }

    const vim::MoRef& filter() const { return filter_; }

private:
    void create_filter(const vim::MoRef& object, const std::vector<std::string>& paths) {
        auto start = vim::ObjectSpec::make();
        start.set_obj(object);
        auto spec = vim::PropertyFilterSpec::make();
        spec.set_propSet({property_spec(object.type, paths)});
        spec.set_objectSet({start});
        auto request = vim::CreateFilterRequest::make();
        request.set_spec(spec);
        request.set_partialUpdates(false);
        const auto made = connection_.call("CreateFilter", collector_, request);
        if (made.kind() != vim::ValueKind::moref)
            throw ConnectionError("the server gave no filter");
        filter_ = made.as_moref();
    }

    void end() noexcept {
        try {
            if (own_) {
                connection_.call("DestroyPropertyCollector", collector_);
            } else if (filter_) {
                connection_.call("DestroyPropertyFilter", filter_);
            }
        } catch (const std::exception&) {
            // The session ends it.
        }
    }

    Connection& connection_;
    vim::MoRef collector_;
    vim::MoRef filter_;
    std::string version_;
    bool own_ = false;
};

// Applies an update to what is known. False if only a fresh look tells the truth, because a change
// came for a part of a property.
bool apply(Properties& known, const vim::UpdateSet& update, const vim::MoRef& filter,
           const std::vector<std::string>& paths) {
    bool complete = true;
    for (const auto set : update.filterSet()) {
        if (set.filter() != filter) continue;
        for (const auto object : set.objectSet()) {
            if (object.kind() == vim::ObjectUpdateKind::leave) {
                throw vim::object_not_found(known.object());
            }
            for (const auto change : object.changeSet()) {
                if (std::ranges::find(paths, change.name()) == paths.end()) {
                    complete = false;
                } else {
                    known.set(change.name(), change.val());
                }
            }
        }
    }
    return complete;
}

}  // namespace

bool watch(Connection& connection, const vim::MoRef& object, const std::vector<std::string>& paths,
           const std::function<bool(const Properties&)>& seen, std::chrono::milliseconds limit) {
    const auto deadline = Steady::now() + limit;
    Watch watched(connection, object, paths);
    Properties known(object);
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::seconds>(deadline - Steady::now());
        const auto update = watched.wait(std::clamp<std::chrono::seconds>(left, 0s, kLongestPoll));
        if (update) {
            if (!apply(known, update, watched.filter(), paths)) {
                known = retrieve_object(connection, object, paths);
            }
            if (seen(known)) return true;
        }
        if (Steady::now() >= deadline) return false;
    }
}

vim::Fault task_fault(const vim::TaskInfo& info) {
    const auto error = info.error();
    std::string message(error ? error.localizedMessage().value_or("") : "");
    if (!error || !error.fault()) {
        return vim::make_fault<vim::SystemError>("The task failed; the server gave no reason.");
    }
    if (message.empty()) message = "The task failed.";
    return vim::Fault(error.fault(), std::move(message));
}

vim::TaskInfo wait_for_task(Connection& connection, const vim::MoRef& task,
                            const TaskProgress& progress) {
    vim::TaskInfo last;
    watch(connection, task, {"info"}, [&](const Properties& known) {
        last = known.object<vim::TaskInfo>("info");
        if (!last) return false;
        if (progress) progress(last);
        return last.state() == vim::TaskInfoState::success ||
               last.state() == vim::TaskInfoState::error;
    });
    if (last && last.state() == vim::TaskInfoState::success) return last;
    throw task_fault(last);
}

}  // namespace drover::client
