// The inventory as a tree of names.

#include <fmt/format.h>

#include <algorithm>

#include "client/find.hpp"
#include "client/retrieve.hpp"

namespace drover::client {
namespace {

struct Edge {
    vim::TypeId type;
    std::vector<std::string> properties;
};

// The properties that lead downwards. The first type that fits counts.
const std::vector<Edge>& edges() {
    static const std::vector<Edge> all{
        {vim::TypeId::Folder, {"childEntity"}},
        {vim::TypeId::Datacenter, {"vmFolder", "hostFolder", "datastoreFolder", "networkFolder"}},
        {vim::TypeId::ComputeResource, {"host", "resourcePool"}},
        {vim::TypeId::ResourcePool, {"resourcePool", "vm"}},
    };
    return all;
}

std::vector<Named> sorted(std::vector<Named> entries) {
    std::ranges::sort(entries, [](const Named& a, const Named& b) {
        return a.name != b.name ? a.name < b.name : a.reference.id < b.reference.id;
    });
    return entries;
}

}  // namespace

std::vector<Named> children(Connection& connection, const vim::MoRef& object) {
    const auto edge = std::ranges::find_if(
        edges(), [&](const Edge& each) { return vim::is_a(object.type, each.type); });
    if (edge == edges().end()) return {};
    const auto found = retrieve_object(connection, object, edge->properties);
    std::vector<vim::MoRef> references;
    for (const auto& property : edge->properties) {
        if (const auto one = found.reference(property)) references.push_back(*one);
        for (auto& each : found.references(property)) references.push_back(std::move(each));
    }
    std::vector<Named> out;
    for (const auto& child :
         retrieve_objects(connection, vim::TypeId::ManagedEntity, references, {"name"})) {
        out.push_back({child.object(), child.text("name")});
    }
    return sorted(std::move(out));
}

Named walk(Connection& connection, std::string_view path) {
    Named at{connection.content().rootFolder(), "/"};
    std::string done;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        auto entries = children(connection, at.reference);
        const auto hit = std::ranges::find(entries, part, &Named::name);
        if (hit == entries.end()) {
            throw LookupError(fmt::format("there is no \"{}\" in {}", part,
                                          done.empty() ? "/" : std::string_view(done)));
        }
        at = *hit;
        done += "/";
        done += part;
    }
    return at;
}

}  // namespace drover::client
