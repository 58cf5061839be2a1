#include "center/welcome_page.hpp"

#include <fmt/format.h>

namespace drover::center {
namespace {

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// No script, no style from elsewhere: the policy below allows nothing else.
constexpr std::string_view kPage = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em}}
code,pre{{background:#eee;padding:.1em .3em}}pre{{padding:1em}}</style></head><body>
<h1>{0}</h1>
{2}<p>This is a drover center: many hosts as one. It speaks the vSphere API at
<code>https://{1}/sdk</code>: your tools for vCenter Server work with it.</p>
<pre>drover login https://{1}/sdk -u administrator
drover vm list</pre>
</body></html>
)";

}  // namespace

http::Response welcome_page(const Config& config, const std::string& message) {
    const std::string shown =
        message.empty() ? "" : fmt::format("<pre>{}</pre>\n", escaped(message));
    auto response = http::Response::text(
        200, fmt::format(kPage, escaped(config.name), escaped(config.management_address), shown),
        "text/html; charset=utf-8");
    response.headers.set("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    return response;
}

}  // namespace drover::center
