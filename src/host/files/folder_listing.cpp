#include "host/files/folder_listing.hpp"

#include <fmt/format.h>

#include "http/target.hpp"

namespace drover::host::files {

namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{0}</title></head>\n"
    "<body><h1>{0}</h1>\n<table>\n<tr><th>Name</th><th>Last modified</th><th>Size</th></tr>\n";
constexpr std::string_view kEnd = "</table></body></html>\n";

std::string encode_path(const std::string& relative) {
    std::string encoded;
    for (std::size_t at = 0; at <= relative.size();) {
        const auto slash = std::min(relative.find('/', at), relative.size());
        if (at > 0) encoded += '/';
        encoded += http::percent_encode(std::string_view(relative).substr(at, slash - at));
        at = slash + 1;
    }
    return encoded;
}

std::string address_of(const std::string& datastore, const std::string& relative) {
    return fmt::format("/folder/{}?dcPath=ha-datacenter&amp;dsName={}", encode_path(relative),
                       http::percent_encode(datastore));
}

std::string row(const std::string& address, const std::string& name, const std::string& modified,
                const std::string& size) {
    return fmt::format("<tr><td><a href=\"{}\">{}</a></td><td>{}</td><td>{}</td></tr>\n", address,
                       escape_html(name), modified, size);
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

std::string list_datastores(const std::vector<std::string>& names) {
    std::string page = fmt::format(fmt::runtime(kHead), "Datastores");
    for (const std::string& name : names) page += row(address_of(name, ""), name, "-", "-");
    return page + std::string(kEnd);
}

std::string list_directory(const storage::DatastorePath& directory,
                           const std::vector<storage::FileInfo>& entries) {
    std::string page = fmt::format(fmt::runtime(kHead), escape_html(directory.to_string()));
    if (!directory.is_root()) {
        page += row(address_of(directory.datastore(), directory.parent().relative()),
                    "Parent directory", "-", "-");
    }
    for (const storage::FileInfo& entry : entries) {
        const bool is_directory = entry.kind == storage::FileKind::directory;
        if (entry.kind == storage::FileKind::other) continue;
        const std::string relative =
            directory.is_root() ? entry.name : directory.relative() + "/" + entry.name;
        page += row(address_of(directory.datastore(), relative),
                    is_directory ? entry.name + "/" : entry.name, base::format_time(entry.modified),
                    is_directory ? "-" : fmt::format("{}", entry.size_bytes));
    }
    return page + std::string(kEnd);
}

}  // namespace drover::host::files
