#include "service/web_client.hpp"

#include <array>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "http/gzip.hpp"
#include "service/header_list.hpp"

namespace drover::service {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kHome = "/ui/";
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".woff2", "font/woff2"},
    {".json", "application/json"},
    {".ico", "image/x-icon"},
    {".txt", "text/plain; charset=utf-8"},
}};

std::string type_of(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    for (const auto& [known, type] : kTypes) {
        if (known == extension) return std::string(type);
    }
    return "application/octet-stream";
}

// FNV-1a: tells one build's file from another's; nobody gains by forging it.
std::string etag_of(std::string_view content) {
    std::uint64_t hash = 14'695'981'039'346'656'037u;
    for (const char c : content) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
    }
    return "\"" + std::to_string(content.size()) + "-" + std::to_string(hash) + "\"";
}

void set_security(Response& response) {
    response.headers.set("Content-Security-Policy", kPolicy);
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("Referrer-Policy", "no-referrer");
    response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace

std::filesystem::path WebClient::default_directory() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return {};
    return program.parent_path().parent_path() / "share" / "drover" / "web";
}

WebClient::WebClient(const std::filesystem::path& directory) {
    const std::filesystem::path root = directory.empty() ? default_directory() : directory;
    std::error_code error;
    if (!std::filesystem::is_regular_file(root / "index.html", error)) {
        base::log_info("no web client at {}", root.string());
        return;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file() || entry.path().extension() == ".gz") continue;
        if (files_.size() >= kMostFiles) break;
        add(entry.path(), std::filesystem::relative(entry.path(), root).generic_string());
    }
}

void WebClient::add(const std::filesystem::path& path, const std::string& name) {
    File file;
    file.plain = std::make_shared<const std::string>(base::read_file(path, kMostFileBytes));
    // The build has packed it better than would be worth the time here.
    const std::filesystem::path packed = path.string() + ".gz";
    if (std::filesystem::is_regular_file(packed)) {
        file.gzip = std::make_shared<const std::string>(base::read_file(packed, kMostFileBytes));
    }
    file.type = type_of(path);
    file.etag = etag_of(*file.plain);
    file.is_forever = name.starts_with("assets/");
    files_.insert_or_assign(std::string(kHome) + (name == "index.html" ? "" : name),
                            std::move(file));
}

bool WebClient::serves(std::string_view path) const {
    return installed() && (path == "/" || path == "/ui" || path.starts_with(kHome));
}

Response WebClient::answer(const Request& request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        Response refused = Response::text(405, "The web client is only read.\n");
        refused.headers.set("Allow", "GET, HEAD");
        return refused;
    }
    const std::string& path = request.target.path();
    if (path == "/" || path == "/ui") return Response::redirect(302, kHome);
    const auto found = files_.find(path);
    if (found == files_.end()) {
        Response missing = Response::text(404, "The web client has no such file.\n");
        set_security(missing);
        return missing;
    }
    return answer_with(found->second, request);
}

Response WebClient::answer_with(const File& file, const Request& request) const {
    const bool known = header_lists(request.header("If-None-Match"), file.etag);
    const bool packed = file.gzip && header_lists(request.header("Accept-Encoding"), "gzip");
    Response response = Response::text(known ? 304 : 200, "", file.type);
    if (!known) response.body = packed ? file.gzip : file.plain;
    if (packed && !known) response.headers.set("Content-Encoding", "gzip");
    response.may_compress = false;
    response.headers.set("ETag", file.etag);
    response.headers.set("Cache-Control",
                         file.is_forever ? "public, max-age=31536000, immutable" : "no-cache");
    response.headers.set("Vary", "Accept-Encoding");
    set_security(response);
    return response;
}

}  // namespace drover::service
