#include "service/description_files.hpp"

#include "base/check.hpp"
#include "http/gzip.hpp"
#include "service/header_list.hpp"
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

bool accepts_gzip(const Request& request) {
    return header_lists(request.header("Accept-Encoding"), "gzip");
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
    const bool known = header_lists(request.header("If-None-Match"), file->etag);
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
