#include "service/description_files.hpp"

#include "base/check.hpp"
#include "http/gzip.hpp"
#include "vim/service_description.hpp"
#include "vim/service_versions.hpp"

namespace drover::service {

using http::Request;
using http::Response;

namespace {

constexpr std::string_view kVersions = "vimServiceVersions.xml";
constexpr std::string_view kXmlType = "text/xml; charset=utf-8";
// Asked again after an hour, and then answered with 304 as long as the program is the same.
constexpr std::string_view kCaching = "public, max-age=3600";

// "/sdk/vim.wsdl", "/sdk/vimService.wsdl" and, as some libraries resolve them, "/sdk/vim25/...".
std::string_view file_name(std::string_view path) {
    for (const std::string_view prefix : {"/sdk/vim25/", "/sdk/"}) {
        if (path.starts_with(prefix)) return path.substr(prefix.size());
    }
    return {};
}

// True if a list such as "gzip, deflate;q=0.5" names this item without refusing it.
bool lists(std::string_view header, std::string_view wanted) {
    while (!header.empty()) {
        const auto end = std::min(header.find(','), header.size());
        std::string_view item = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
        const std::string_view name = item.substr(0, item.find_first_of("; \t"));
        const auto weight = item.find("q=0");
        const bool refused = weight != std::string_view::npos &&
                             item.find_first_of("123456789", weight) == std::string_view::npos;
        if ((name == wanted || name == "*") && !refused) return true;
    }
    return false;
}

bool accepts_gzip(const Request& request) {
    return lists(request.header("Accept-Encoding"), "gzip");
}

std::string plain(const vim::DescriptionFile& file) {
    auto text = http::gzip_decompress(file.gzip, file.size_bytes);
    DROVER_CHECK(text);
    return *std::move(text);
}

}  // namespace

std::optional<Response> description_file(const Request& request) {
    const std::string_view name = file_name(request.target.path());
    if (name == kVersions) return Response::text(200, vim::service_versions_xml(), kXmlType);
    const vim::DescriptionFile* file = vim::find_description_file(name);
    if (file == nullptr) return std::nullopt;
    const bool known = lists(request.header("If-None-Match"), file->etag);
    const bool packed = accepts_gzip(request);
    std::string body;
    if (!known) body = packed ? std::string(file->gzip) : plain(*file);
    Response response = Response::text(known ? 304 : 200, std::move(body), kXmlType);
    if (packed && !known) response.headers.set("Content-Encoding", "gzip");
    response.headers.set("ETag", std::string(file->etag));
    response.headers.set("Cache-Control", std::string(kCaching));
    response.headers.set("Vary", "Accept-Encoding");
    return response;
}

}  // namespace drover::service
