#include "host/files/folder_endpoint.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <optional>

#include "base/log.hpp"
#include "host/files/callers.hpp"
#include "host/files/folder_listing.hpp"
#include "host/files/folder_transfer.hpp"
#include "host/files/in_use.hpp"
#include "host/files/place.hpp"
#include "host/references.hpp"

namespace drover::host {

using files::FolderRequest;
using http::Request;
using http::Response;
using task::Awaitable;

namespace {

constexpr std::string_view kRoot = "/folder";
constexpr std::chrono::seconds kLookLimit{60};
// Nothing but PUT has a body that means something.
constexpr std::uint64_t kOtherBodyBytes = 4096;

// What the strand is asked about a request.
struct Question {
    std::string method;
    files::CallerQuestion sender;
    std::string relative;
    std::optional<std::string> datastore;
    std::string datacenter;

    bool reads() const { return method == "GET" || method == "HEAD"; }
};

// Who asks and for what; or the answer, where there is nothing more to do.
struct Admission {
    std::optional<Response> answer;
    FolderRequest granted;
};

Question question_of(const Request& request) {
    Question question;
    question.method = request.method;
    question.sender = files::caller_question(request);
    const std::string& path = request.target.path();
    if (path.size() > kRoot.size()) question.relative = path.substr(kRoot.size() + 1);
    if (const auto name = request.target.query("dsName")) question.datastore.emplace(*name);
    question.datacenter = request.target.query("dcPath").value_or("");
    return question;
}

Response not_authenticated() {
    Response response = Response::text(401, "Log in first.\n");
    response.headers.set("WWW-Authenticate", "Basic realm=\"drover\", charset=\"UTF-8\"");
    response.close = true;
    return response;
}

Response refusal(int status, std::string_view text) {
    Response response = Response::text(status, std::string(text) + "\n");
    response.close = true;
    return response;
}

bool is_our_datacenter(std::string_view name) {
    if (name.starts_with('/')) name.remove_prefix(1);
    return name.empty() || name == references::datacenter.id;
}

}  // namespace

struct FolderEndpoint::State {
    explicit State(Parts given)
        : parts(std::move(given)),
          callers(parts.context, parts.sessions, parts.passwords, parts.tickets),
          in_use(parts.machines),
          uploads(std::make_shared<files::PartialUploads>(parts.context.runtime.clock())) {}

    Awaitable<Admission> admit(Question question);
    Response list_datastores(const task::Caller& caller);
    Awaitable<Admission> grant(Question question, task::Caller caller, DatastoreEntry& entry);
    Awaitable<Response> remove(FolderRequest asked);

    Parts parts;
    files::Callers callers;
    files::InUse in_use;
    std::shared_ptr<files::PartialUploads> uploads;
};

FolderEndpoint::FolderEndpoint(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}
FolderEndpoint::~FolderEndpoint() = default;

bool FolderEndpoint::serves(std::string_view path) {
    return path == kRoot || path.starts_with(std::string(kRoot) + "/");
}

http::BodyPolicy FolderEndpoint::body_policy(const Request& request) {
    if (request.method != "PUT") return {kOtherBodyBytes, false};
    // How much is too much depends on the datastore; receive_file() sees to it.
    return {INT64_MAX, true};
}

Response FolderEndpoint::State::list_datastores(const task::Caller& caller) {
    std::vector<std::string> names;
    for (const auto& entry : parts.context.datastores.all()) {
        if (parts.may(caller, entry->ref, files::kBrowse)) names.push_back(entry->name);
    }
    return Response::text(200, files::list_datastores(names), "text/html; charset=utf-8");
}

Awaitable<Admission> FolderEndpoint::State::grant(Question question, task::Caller caller,
                                                  DatastoreEntry& entry) {
    Admission admission;
    const auto privilege = question.reads() ? files::kBrowse : files::kChangeFiles;
    if (!parts.may(caller, entry.ref, privilege)) {
        throw vim::no_permission(entry.ref, privilege);
    }
    auto path = storage::DatastorePath::make(entry.name, question.relative);
    if (!path) {
        admission.answer = refusal(404, "There is no such file: " + path.error() + ".");
        co_return admission;
    }
    if (!question.reads() && path->is_root()) {
        admission.answer = refusal(405, "This is the datastore itself.");
        co_return admission;
    }
    FolderRequest& granted = admission.granted;
    granted.store = entry.store;
    granted.path = *std::move(path);
    granted.queue = "transfers:" + entry.name;
    granted.info = entry.info;
    granted.user = caller.user;
    if (question.method == "GET") in_use.check_readable(granted.path);
    if (question.reads()) co_return admission;
    granted.existed = co_await parts.context.runtime.blocking(
        granted.queue,
        [store = granted.store, at = granted.path, &clock = parts.context.runtime.clock(),
         host = parts.context.host_uuid] {
            try {
                files::refuse_leased(*store, clock, at, host);
                return true;
            } catch (const storage::StorageError& error) {
                if (error.kind() == storage::StorageErrorKind::not_found) return false;
                throw;
            }
        },
        kLookLimit);
    if (granted.existed) in_use.check_changeable(granted.path);
    base::log_info("audit: '{}' {} {}", caller.user,
                   question.method == "PUT" ? "uploads" : "removes", granted.path.to_string());
    co_return admission;
}

Awaitable<Admission> FolderEndpoint::State::admit(Question question) {
    Admission admission;
    const auto caller = co_await callers.identify(question.sender);
    if (!caller) {
        admission.answer = not_authenticated();
        co_return admission;
    }
    if (!is_our_datacenter(question.datacenter)) {
        admission.answer = refusal(404, "There is no such datacenter.");
        co_return admission;
    }
    if (!question.datastore) {
        const bool lists = question.reads() && question.relative.empty();
        admission.answer =
            lists ? list_datastores(*caller) : refusal(400, "Name the datastore: ?dsName=...");
        co_return admission;
    }
    DatastoreEntry* entry = parts.context.datastores.find(std::string_view(*question.datastore));
    if (entry == nullptr) {
        admission.answer = refusal(404, "There is no such datastore.");
        co_return admission;
    }
    co_return co_await grant(question, *caller, *entry);
}

Awaitable<Response> FolderEndpoint::State::remove(FolderRequest asked) {
    co_await parts.context.runtime.blocking(
        asked.queue,
        [store = asked.store, path = asked.path] {
            if (store->blobs().stat(path).kind == storage::FileKind::directory) {
                store->blobs().remove_directory(path);
            } else {
                store->blobs().remove(path);
            }
        },
        kLookLimit);
    co_return Response::text(204, "");
}

Awaitable<Response> FolderEndpoint::handle(Request request) {
    const auto state = state_;  // outlives this endpoint while requests end
    const bool known = request.method == "GET" || request.method == "HEAD" ||
                       request.method == "PUT" || request.method == "DELETE";
    if (!known) {
        Response refused = refusal(405, "Use GET, HEAD, PUT or DELETE.");
        refused.headers.set("Allow", "GET, HEAD, PUT, DELETE");
        co_return refused;
    }
    task::Runtime& runtime = state->parts.context.runtime;
    std::exception_ptr failure;
    try {
        Admission admission = co_await boost::asio::co_spawn(
            runtime.strand(), state->admit(question_of(request)), boost::asio::use_awaitable);
        if (admission.answer) co_return *std::move(admission.answer);
        FolderRequest asked = std::move(admission.granted);
        asked.request = std::move(request);
        const storage::DatastorePath path = asked.path;
        const bool changes = asked.request.method == "PUT" || asked.request.method == "DELETE";
        Response response =
            asked.request.method == "PUT"
                ? co_await files::receive_file(runtime, std::move(asked), state->uploads)
            : changes ? co_await state->remove(std::move(asked))
                      : co_await files::send_file(runtime, std::move(asked));
        if (changes && state->parts.changed) {
            boost::asio::post(runtime.strand(), [state, path] { state->parts.changed(path); });
        }
        co_return response;
    } catch (...) {
        failure = std::current_exception();
    }
    co_return files::folder_error(failure);
}

}  // namespace drover::host
