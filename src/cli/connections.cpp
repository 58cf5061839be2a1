#include "cli/connections.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/file.hpp"

namespace drover::cli {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = 1 << 20;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return {};
    if (!found->is_string()) throw std::runtime_error(fmt::format("\"{}\" is no text", key));
    return found->get<std::string>();
}

}  // namespace

std::filesystem::path connections_file() {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    if (config != nullptr && *config == '/') {
        return std::filesystem::path(config) / "drover" / "connections.json";
    }
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home != '/') {
        throw std::runtime_error("neither XDG_CONFIG_HOME nor HOME says where logins are kept");
    }
    return std::filesystem::path(home) / ".config" / "drover" / "connections.json";
}

StoredConnections parse_connections(std::string_view text) {
    StoredConnections out;
    const Json root = Json::parse(text, nullptr, false);
    if (!root.is_object()) throw std::runtime_error("it is no JSON object");
    out.current = text_of(root, "current");
    const auto list = root.find("connections");
    if (list == root.end()) return out;
    if (!list->is_object()) throw std::runtime_error("\"connections\" is no object");
    for (const auto& [name, each] : list->items()) {
        if (!each.is_object()) {
            throw std::runtime_error(fmt::format("the connection \"{}\" is no object", name));
        }
        StoredConnection stored;
        stored.url = text_of(each, "url");
        stored.user = text_of(each, "user");
        stored.thumbprint = text_of(each, "thumbprint");
        stored.cookie = text_of(each, "cookie");
        stored.release = text_of(each, "release");
        const auto insecure = each.find("insecure");
        stored.insecure = insecure != each.end() && insecure->is_boolean() && insecure->get<bool>();
        out.by_name[name] = std::move(stored);
    }
    return out;
}

std::string to_text(const StoredConnections& connections) {
    Json list = Json::object();
    for (const auto& [name, stored] : connections.by_name) {
        list[name] = {{"url", stored.url},
                      {"user", stored.user},
                      {"thumbprint", stored.thumbprint},
                      {"insecure", stored.insecure},
                      {"cookie", stored.cookie},
                      {"release", stored.release}};
    }
    const Json root{{"current", connections.current}, {"connections", std::move(list)}};
    return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

StoredConnections load_connections(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) return {};
    const std::string text = base::read_file(file, kMaxFileBytes);
    try {
        return parse_connections(text);
    } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("{} is damaged: {}; remove it and log in again",
                                             file.string(), error.what()));
    }
}

void save_connections(const std::filesystem::path& file, const StoredConnections& connections) {
    const auto directory = file.parent_path();
    if (std::filesystem::create_directories(directory)) {
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    }
    base::write_file_atomically(file, to_text(connections), 0600);
}

}  // namespace drover::cli
