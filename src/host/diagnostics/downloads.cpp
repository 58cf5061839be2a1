#include "host/diagnostics/downloads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"
#include "host/files/basic_auth.hpp"
#include "host/references.hpp"
#include "service/sdk_endpoint.hpp"

namespace drover::host {

using http::Request;
using http::Response;
using task::Awaitable;

namespace {

constexpr std::string_view kFiles = "/downloads/";
constexpr std::string_view kScript = "/cgi-bin/vm-support.cgi";
constexpr std::string_view kPrivilege = "Global.Diagnostics";
constexpr std::chrono::seconds kOpenLimit{30};

struct Asked {
    std::string cookie;
    std::optional<files::Credentials> credentials;
    std::string remote_address;
};

// The bundle's name, or the answer where there is none.
struct Admission {
    std::optional<Response> answer;
    std::string name;
};

struct Opened {
    std::shared_ptr<base::FileDescriptor> file;
    std::uint64_t size_bytes = 0;
};

Response refusal(int status, std::string_view text) {
    Response response = Response::text(status, std::string(text) + "\n");
    if (status == 401) {
        response.headers.set("WWW-Authenticate", "Basic realm=\"drover\", charset=\"UTF-8\"");
    }
    return response;
}

// The names that bundles have; above all, nothing with a slash in it.
bool is_bundle_name(std::string_view name) {
    return name.starts_with("drover-support-") && name.ends_with(".tgz") && name.size() < 128 &&
           std::ranges::all_of(
               name,
               [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
               });
}

Opened open_bundle(const std::filesystem::path& path) {
    Opened opened;
    opened.file = std::make_shared<base::FileDescriptor>(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!*opened.file || ::fstat(opened.file->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return {};
    }
    opened.size_bytes = static_cast<std::uint64_t>(status.st_size);
    return opened;
}

}  // namespace

struct Downloads::State {
    explicit State(Parts given)
        : parts(std::move(given)),
          auth(parts.context.runtime, parts.context.random, parts.passwords) {}

    Awaitable<std::optional<task::Caller>> identify(Asked asked);
    Awaitable<Admission> admit(Asked asked, std::string path);

    Parts parts;
    files::BasicAuth auth;
};

Downloads::Downloads(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}
Downloads::~Downloads() = default;

bool Downloads::serves(std::string_view path) {
    return path == kScript || path.starts_with(kFiles);
}

Awaitable<std::optional<task::Caller>> Downloads::State::identify(Asked asked) {
    task::Caller caller;
    caller.remote_address = asked.remote_address;
    if (!asked.cookie.empty()) {
        if (const auto session = parts.sessions.find(asked.cookie)) {
            caller.session_key = session->key;
            caller.user = session->user;
            co_return caller;
        }
    }
    if (!asked.credentials) co_return std::nullopt;
    if (!co_await auth.check(*asked.credentials, asked.remote_address)) co_return std::nullopt;
    caller.session_key = "basic";
    caller.user = asked.credentials->user;
    co_return caller;
}

Awaitable<Admission> Downloads::State::admit(Asked asked, std::string path) {
    const auto caller = co_await identify(std::move(asked));
    if (!caller) co_return Admission{refusal(401, "Log in first."), {}};
    if (!parts.may(*caller, references::root_folder, kPrivilege)) {
        co_return Admission{refusal(403, "The privilege Global.Diagnostics is missing."), {}};
    }
    if (path != kScript) {
        const std::string name = path.substr(kFiles.size());
        if (is_bundle_name(name)) co_return Admission{{}, name};
        co_return Admission{refusal(404, "There is no such bundle."), {}};
    }
    std::string failure;
    try {
        base::log_info("audit: '{}' makes a support bundle", caller->user);
        co_return Admission{{}, co_await parts.diagnostics.make_bundle()};
    } catch (const vim::Fault& fault) {
        failure = fault.message();
    }
    co_return Admission{refusal(503, failure), {}};
}

Awaitable<Response> Downloads::handle(Request request) {
    const auto state = state_;
    if (request.method != "GET" && request.method != "HEAD") {
        Response refused = refusal(405, "Use GET or HEAD.");
        refused.headers.set("Allow", "GET, HEAD");
        co_return refused;
    }
    Asked asked{service::SdkEndpoint::cookie_of(request),
                files::parse_basic(request.header("Authorization")), request.remote_address};
    auto& runtime = state->parts.context.runtime;
    Admission admission = co_await boost::asio::co_spawn(
        runtime.strand(), state->admit(std::move(asked), std::string(request.target.path())),
        boost::asio::use_awaitable);
    if (admission.answer) co_return *std::move(admission.answer);
    const std::string name = admission.name;
    const Opened opened = co_await runtime.blocking(
        "diagnostics",
        [path = state->parts.diagnostics.directory() / name] { return open_bundle(path); },
        kOpenLimit);
    if (!opened.file) co_return refusal(404, "There is no such bundle.");
    auto response =
        http::file_response(request, opened.file, opened.size_bytes, "application/gzip");
    response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
    response.may_compress = false;
    co_return response;
}

}  // namespace drover::host
