#include "client/find.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/retrieve.hpp"

namespace drover::client {
namespace {

// In words for messages; the types that commands look for.
std::string_view word_for(vim::TypeId type) {
    switch (type) {
        case vim::TypeId::VirtualMachine:
            return "virtual machine";
        case vim::TypeId::HostSystem:
            return "host";
        case vim::TypeId::Datastore:
            return "datastore";
        case vim::TypeId::Network:
            return "network";
        case vim::TypeId::ResourcePool:
            return "resource pool";
        case vim::TypeId::Folder:
            return "folder";
        default:
            return vim::describe(type).name();
    }
}

Named named(const Properties& object) {
    return {object.object(), object.text("name")};
}

Named find_by_reference(Connection& connection, const vim::MoRef& reference) {
    return named(retrieve_object(connection, reference, {"name"}));
}

Named find_by_path(Connection& connection, vim::TypeId type, std::string_view text) {
    auto request = vim::FindByInventoryPathRequest::make();
    std::string_view path = text;
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    request.set_inventoryPath(path);
    const vim::Value found =
        connection.call("FindByInventoryPath",
                        required(connection.content().searchIndex(), "searchIndex"), request);
    if (found.kind() != vim::ValueKind::moref) {
        throw LookupError(fmt::format("there is no {} at \"{}\" (drover ls shows the inventory)",
                                      word_for(type), text));
    }
    if (!vim::is_a(found.moref_type(), type)) {
        throw LookupError(fmt::format("\"{}\" is a {}, not a {}", text,
                                      word_for(found.moref_type()), word_for(type)));
    }
    return find_by_reference(connection, found.as_moref());
}

// "VirtualMachine:vm-12"
std::optional<vim::MoRef> parse_reference(vim::TypeId type, std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
    const auto named_type = vim::find_type(text.substr(0, colon));
    if (named_type == vim::TypeId::none || !vim::is_a(named_type, type)) return std::nullopt;
    return vim::MoRef{named_type, std::string(text.substr(colon + 1))};
}

Named choose(Connection& connection, vim::TypeId type, std::string_view text,
             const std::vector<Properties>& all) {
    std::vector<const Properties*> hits;
    for (const auto& object : all) {
        if (object.text("name") == text) hits.push_back(&object);
    }
    if (hits.empty()) {
        for (const auto& object : all) {
            if (object.object().id == text) hits.push_back(&object);
        }
    }
    if (hits.size() == 1) return named(*hits.front());
    if (hits.empty()) {
        throw LookupError(fmt::format("there is no {} \"{}\"", word_for(type), text));
    }
    constexpr std::size_t kMaxShown = 8;
    std::vector<std::string> places;
    for (const auto* hit : hits) {
        if (places.size() == kMaxShown) break;
        places.push_back(inventory_path(connection, hit->object()));
    }
    throw LookupError(fmt::format("{} {}s are called \"{}\"; give the path of one: {}", hits.size(),
                                  word_for(type), text, fmt::join(places, ", ")));
}

}  // namespace

std::vector<Named> find_all(Connection& connection, vim::TypeId type,
                            const std::vector<std::string>& texts) {
    std::vector<Named> out;
    std::optional<std::vector<Properties>> all;
    for (const auto& text : texts) {
        if (text.empty()) throw LookupError(fmt::format("the {}'s name is empty", word_for(type)));
        if (const auto reference = parse_reference(type, text)) {
            out.push_back(find_by_reference(connection, *reference));
        } else if (text.contains('/')) {
            out.push_back(find_by_path(connection, type, text));
        } else {
            if (!all) all = retrieve(connection, type, {"name"});
            out.push_back(choose(connection, type, text, *all));
        }
    }
    return out;
}

Named find(Connection& connection, vim::TypeId type, std::string_view text) {
    return find_all(connection, type, {std::string(text)}).front();
}

std::string inventory_path(Connection& connection, const vim::MoRef& object) {
    constexpr int kMaxDepth = 64;
    std::string path;
    const vim::MoRef root = connection.content().rootFolder();
    vim::MoRef at = object;
    for (int depth = 0; depth < kMaxDepth && at != root; ++depth) {
        const auto found = retrieve_object(connection, at, {"name", "parent"});
        path = "/" + found.text("name") + path;
        const auto parent = found.reference("parent");
        if (!parent) break;
        at = *parent;
    }
    return path.empty() ? "/" : path;
}

}  // namespace drover::client
