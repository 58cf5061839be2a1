#include "cli/target.hpp"

#include <array>
#include <utility>

namespace drover::cli {

client::Named find_target(client::Connection& connection, const std::string& text) {
    constexpr std::array<std::pair<std::string_view, vim::TypeId>, 5> kKinds{
        {{"vm:", vim::TypeId::VirtualMachine},
         {"host:", vim::TypeId::HostSystem},
         {"datastore:", vim::TypeId::Datastore},
         {"pool:", vim::TypeId::ResourcePool},
         {"network:", vim::TypeId::Network}}};
    for (const auto& [prefix, type] : kKinds) {
        if (text.starts_with(prefix)) {
            return client::find(connection, type, std::string_view(text).substr(prefix.size()));
        }
    }
    if (text == "/") return {connection.content().rootFolder(), "/"};
    const bool named_by_type = text.find(':') != std::string::npos && !text.contains('/');
    if (text.contains('/') || named_by_type) {
        return client::find(connection, vim::TypeId::ManagedEntity, text);
    }
    return client::find(connection, vim::TypeId::VirtualMachine, text);
}

}  // namespace drover::cli
