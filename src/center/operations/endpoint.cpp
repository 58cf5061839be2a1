#include "center/operations/endpoint.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/log.hpp"
#include "base/random.hpp"
#include "center/operations/backup.hpp"
#include "center/operations/identity.hpp"
#include "center/references.hpp"
#include "http/certificate.hpp"

namespace drover::center {

namespace fs = std::filesystem;
using http::Request;
using http::Response;
using nlohmann::json;
using task::Awaitable;
using task::Caller;

namespace {

constexpr std::string_view kBackup = "/center/backup";
constexpr std::string_view kRestore = "/center/restore";
constexpr std::string_view kCertificate = "/center/certificate";
constexpr std::string_view kDownloads = "/downloads/";
// Who may change permissions on the root folder can have every other privilege.
constexpr std::string_view kAdministrate = "Authorization.ModifyPermissions";
constexpr std::string_view kDiagnose = "Global.Diagnostics";
constexpr std::string_view kQueue = "operations";
constexpr std::uint64_t kPemBytes = 256 << 10;
constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::chrono::minutes kLimit{60};
constexpr std::chrono::seconds kShortLimit{60};
// The answer shall be on its way before the connections end.
constexpr std::chrono::milliseconds kRestartDelay{500};

struct Admission {
    std::optional<Response> refusal;
    std::string user;
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
    response.close = true;
    return response;
}

Response json_response(int status, const json& document) {
    return Response::text(status, document.dump(1) + "\n", "application/json");
}

Opened open_file(const fs::path& path) {
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

// A file of ours that nobody else sees; gone at the end.
class Temporary {
public:
    Temporary(const fs::path& directory, std::string_view what)
        : path_(directory / fmt::format(".{}-{}", what, base::SystemRandom().hex(8))) {}
    ~Temporary() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

void write_all(int file, std::string_view data, const fs::path& path) {
    while (!data.empty()) {
        const ssize_t written = ::write(file, data.data(), data.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw std::system_error(errno, std::generic_category(), path.string());
        data.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

struct OperationsEndpoint::State {
    explicit State(Parts given) : parts(std::move(given)) {}

    task::Runtime& runtime() { return parts.context.runtime; }
    const fs::path& directory() { return parts.context.config.state_directory; }

    Awaitable<Admission> admit(CallerQuestion question, std::string_view privilege);
    Awaitable<Response> backup(Request request, std::string user);
    Awaitable<Response> restore(Request request, std::string user);
    Awaitable<void> receive(std::shared_ptr<http::BodyReader> reader, fs::path path);
    Awaitable<Response> certificate(Request request, std::string user);
    Awaitable<Response> download(Request request);
    Awaitable<std::optional<Diagnostics::HostBundle>> find_bundle(std::string path);
    Awaitable<void> show(http::TlsIdentity identity);
    Awaitable<void> restart_soon();

    Parts parts;
};

Awaitable<Admission> OperationsEndpoint::State::admit(CallerQuestion question,
                                                      std::string_view privilege) {
    const auto caller = co_await parts.callers.identify(std::move(question));
    if (!caller) co_return Admission{refusal(401, "Log in first."), {}};
    if (!parts.may(*caller, references::root_folder, privilege)) {
        co_return Admission{refusal(403, fmt::format("The privilege {} on the root folder is "
                                                     "missing.",
                                                     privilege)),
                            {}};
    }
    co_return Admission{{}, caller->user};
}

Awaitable<Response> OperationsEndpoint::State::backup(Request request, std::string user) {
    const auto wanted = request.target.query("figures");
    const bool with_figures = wanted && *wanted != "0" && *wanted != "false";
    const auto now = runtime().clock().wall_now();
    base::log_info("audit: '{}' makes a backup of the center", user);
    const Opened opened = co_await runtime().blocking(
        std::string(kQueue),
        [&config = parts.context.config, uuid = parts.context.instance_uuid, now, with_figures] {
            const Temporary file(config.state_directory, "backup-file");
            write_backup(config, uuid, now, with_figures, file.path());
            return open_file(file.path());  // it lives on until it is sent
        },
        kLimit);
    if (!opened.file) co_return refusal(500, "The backup can't be read.");
    Response response =
        http::file_response(request, opened.file, opened.size_bytes, "application/gzip");
    response.headers.set("Content-Disposition",
                         "attachment; filename=\"drover-center-backup.tgz\"");
    response.headers.set("Cache-Control", "no-store");
    response.may_compress = false;
    co_return response;
}

Awaitable<void> OperationsEndpoint::State::receive(std::shared_ptr<http::BodyReader> reader,
                                                   fs::path path) {
    const auto file = std::make_shared<base::FileDescriptor>(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!*file) throw std::system_error(errno, std::generic_category(), path.string());
    std::string piece(kPieceBytes, '\0');
    while (const std::size_t size = co_await reader->read(std::span<char>(piece))) {
        co_await runtime().blocking(
            std::string(kQueue),
            [file, path, data = piece.substr(0, size)] { write_all(file->get(), data, path); },
            kShortLimit);
    }
}

Awaitable<Response> OperationsEndpoint::State::restore(Request request, std::string user) {
    if (!request.body_reader) co_return refusal(400, "Send the backup as the request's body.");
    const Temporary file(directory(), "restore-file");
    co_await receive(request.body_reader, file.path());
    const BackupFacts facts = co_await runtime().blocking(
        std::string(kQueue),
        [path = file.path(), state = directory()] { return stage_restore(path, state); }, kLimit);
    base::log_warning("audit: '{}' restores the backup of {} ({}); the center restarts", user,
                      facts.made, facts.name);
    boost::asio::co_spawn(runtime().strand(), restart_soon(), boost::asio::detached);
    co_return json_response(202, {{"made", facts.made},
                                  {"product", facts.product},
                                  {"name", facts.name},
                                  {"instanceUuid", facts.instance_uuid},
                                  {"figures", facts.has_figures}});
}

Awaitable<void> OperationsEndpoint::State::restart_soon() {
    co_await runtime().sleep(kRestartDelay);
    if (parts.restart) parts.restart();
}

Awaitable<void> OperationsEndpoint::State::show(http::TlsIdentity identity) {
    if (parts.use_identity) parts.use_identity(identity);
    co_return;
}

Awaitable<Response> OperationsEndpoint::State::certificate(Request request, std::string user) {
    const http::TlsIdentity asked = split_pem(request.body);
    if (asked.certificate_pem.empty() || asked.key_pem.empty()) {
        co_return refusal(400, "Send a certificate and its private key, both as PEM.");
    }
    const auto now = runtime().clock().wall_now();
    const http::TlsIdentity installed = co_await runtime().blocking(
        std::string(kQueue),
        [tls = directory() / "tls", asked, now] {
            return install_identity(tls, asked.certificate_pem, asked.key_pem, now);
        },
        kShortLimit);
    co_await boost::asio::co_spawn(runtime().strand(), show(installed), boost::asio::use_awaitable);
    base::log_info("audit: '{}' installs the certificate {}", user, installed.thumbprint_sha256());
    const auto facts = http::describe_certificate(installed.certificate_pem);
    co_return json_response(200, {{"subject", facts.subject},
                                  {"issuer", facts.issuer},
                                  {"thumbprintSha1", installed.thumbprint_sha1()},
                                  {"thumbprintSha256", installed.thumbprint_sha256()}});
}

Awaitable<std::optional<Diagnostics::HostBundle>> OperationsEndpoint::State::find_bundle(
    std::string path) {
    co_return parts.diagnostics.host_bundle(path);
}

Awaitable<Response> OperationsEndpoint::State::download(Request request) {
    const std::string path = request.target.path().substr(kDownloads.size());
    if (path.contains('/')) {
        const auto found = co_await boost::asio::co_spawn(runtime().strand(), find_bundle(path),
                                                          boost::asio::use_awaitable);
        if (!found) co_return refusal(404, "There is no such bundle.");
        co_return co_await parts.relay.fetch_from(std::move(request), found->host,
                                                  std::string(kDownloads) + found->name);
    }
    if (!Diagnostics::is_bundle_name(path)) co_return refusal(404, "There is no such bundle.");
    const Opened opened = co_await runtime().blocking(
        std::string(kQueue),
        [file = parts.diagnostics.directory() / path] { return open_file(file); }, kShortLimit);
    if (!opened.file) co_return refusal(404, "There is no such bundle.");
    Response response =
        http::file_response(request, opened.file, opened.size_bytes, "application/gzip");
    response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}\"", path));
    response.may_compress = false;
    co_return response;
}

OperationsEndpoint::OperationsEndpoint(Parts parts)
    : state_(std::make_shared<State>(std::move(parts))) {}

OperationsEndpoint::~OperationsEndpoint() = default;

bool OperationsEndpoint::serves(std::string_view path) {
    return path == kBackup || path == kRestore || path == kCertificate ||
           path.starts_with(kDownloads);
}

http::BodyPolicy OperationsEndpoint::body_policy(const Request& request) {
    const bool is_restore = request.target.path() == kRestore && request.method == "PUT";
    return is_restore ? http::BodyPolicy{INT64_MAX, true} : http::BodyPolicy{kPemBytes, false};
}

Awaitable<Response> OperationsEndpoint::handle(Request request) {
    const auto state = state_;
    const std::string path(request.target.path());
    const bool puts = path == kRestore || path == kCertificate;
    const bool known =
        puts ? request.method == "PUT"
             : request.method == "GET" || (request.method == "HEAD" && path != kBackup);
    if (!known) {
        Response refused = refusal(405, puts ? "Use PUT." : "Use GET.");
        refused.headers.set("Allow", puts ? "PUT" : "GET");
        co_return refused;
    }
    std::string problem;
    int status = 500;
    try {
        const auto privilege = path.starts_with(kDownloads) ? kDiagnose : kAdministrate;
        Admission admission = co_await boost::asio::co_spawn(
            state->runtime().strand(), state->admit(caller_question(request), privilege),
            boost::asio::use_awaitable);
        if (admission.refusal) co_return *std::move(admission.refusal);
        if (path == kBackup) co_return co_await state->backup(std::move(request), admission.user);
        if (path == kRestore) {
            co_return co_await state->restore(std::move(request), admission.user);
        }
        if (path == kCertificate) {
            co_return co_await state->certificate(std::move(request), admission.user);
        }
        co_return co_await state->download(std::move(request));
    } catch (const http::BodyError& error) {
        status = error.status();
        problem = error.what();
    } catch (const vim::Fault& fault) {
        problem = fault.message();
    } catch (const std::exception& error) {
        // What was sent is at fault, unless the center itself was to make something.
        status = puts ? 422 : 500;
        problem = error.what();
    }
    base::log_warning("{}: {}", path, problem);
    co_return refusal(status, problem);
}

}  // namespace drover::center
