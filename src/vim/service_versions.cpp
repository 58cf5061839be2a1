#include "vim/service_versions.hpp"

#include "vim/schema.hpp"

namespace drover::vim {
namespace {

void put_version(std::string& out, std::string_view indent, std::string_view name) {
    out += indent;
    out += "<version>";
    out += name;
    out += "</version>\n";
}

}  // namespace

std::string service_versions_xml() {
    std::string out =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<namespaces version=\"1.0\">\n"
        " <namespace>\n"
        "  <name>urn:vim25</name>\n";
    const auto releases = served_releases();
    put_version(out, "  ", release_name(releases.front()));
    out += "  <priorVersions>\n";
    for (const Release release : releases.subspan(1)) {
        // What came before 2.5 spoke another namespace.
        if (release >= *find_release("2.5")) put_version(out, "   ", release_name(release));
    }
    out += "  </priorVersions>\n </namespace>\n <namespace>\n  <name>urn:vim2</name>\n";
    put_version(out, "  ", "2.0");
    out += " </namespace>\n</namespaces>\n";
    return out;
}

}  // namespace drover::vim
