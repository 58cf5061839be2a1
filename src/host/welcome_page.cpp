#include "host/welcome_page.hpp"

#include <fmt/format.h>

namespace drover::host {
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
{3}<p>This is a {2}drover host. It speaks the vSphere API at <code>https://{1}/sdk</code>:
your tools for ESX hosts work with it.</p>
<pre>drover login https://{1}/sdk -u root
drover vm list
virsh -c 'esx://root@{1}/?no_verify=1' list --all</pre>
<p><a href="/folder">Files of the datastores</a> (log in as you do with the API)</p>
</body></html>
)";

}  // namespace

http::Response welcome_page(const Config& config, const std::string& message) {
    const std::string shown =
        message.empty() ? "" : fmt::format("<pre>{}</pre>\n", escaped(message));
    auto response = http::Response::text(
        200,
        fmt::format(kPage, escaped(config.host_name), escaped(config.management_address),
                    config.simulation ? "<strong>simulated</strong> " : "", shown),
        "text/html; charset=utf-8");
    response.headers.set("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    return response;
}

}  // namespace drover::host
