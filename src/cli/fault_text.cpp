#include "cli/fault_text.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace drover::cli {
namespace {

using vim::TypeId;

// The first that the fault is (or derives from) counts, so subtypes stand before their bases.
constexpr std::array<std::pair<TypeId, std::string_view>, 24> kWords{{
    {TypeId::NotAuthenticated, "You are not logged in, or the session has ended"},
    {TypeId::InvalidLogin, "The user name or the password is wrong"},
    {TypeId::NoPermission, "You may not do that"},
    {TypeId::InvalidPowerState, "The machine's power state does not allow that"},
    {TypeId::TaskInProgress, "Another task is changing the same thing; try again when it is done"},
    {TypeId::DuplicateName, "The name is taken"},
    {TypeId::AlreadyExists, "That exists already"},
    {TypeId::InvalidName, "That is no valid name"},
    {TypeId::FileNotFound, "There is no such file"},
    {TypeId::FileAlreadyExists, "The file exists already"},
    {TypeId::FileLocked, "The file is in use"},
    {TypeId::NoDiskSpace, "The datastore is full"},
    {TypeId::InvalidDatastorePath, "That is no path on a datastore"},
    {TypeId::InaccessibleDatastore, "The datastore can't be reached"},
    {TypeId::ManagedObjectNotFound, "The object is gone"},
    {TypeId::ToolsUnavailable, "The guest agent does not answer; it must run in the guest"},
    {TypeId::InsufficientResourcesFault, "The host has not enough free resources"},
    {TypeId::ConcurrentAccess, "Somebody else changed it meanwhile; look again and retry"},
    {TypeId::HostNotConnected, "The host is not connected"},
    {TypeId::RequestCanceled, "The task was cancelled"},
    {TypeId::InvalidArgument, "A value is not allowed"},
    {TypeId::InvalidState, "That is not possible in the present state"},
    {TypeId::NotSupported, "The server does not support that"},
    {TypeId::MethodFault, "The server refused"},
}};

std::string_view words_for(TypeId type) {
    for (const auto& [each, words] : kWords) {
        if (vim::is_a(type, each)) return words;
    }
    return kWords.back().second;
}

// What to do about it, where that is not obvious.
std::string_view advice_for(TypeId type) {
    if (vim::is_a(type, TypeId::NotAuthenticated)) return "Log in with: drover login";
    if (vim::is_a(type, TypeId::ToolsUnavailable)) {
        return "To switch the machine off without its guest: drover vm stop";
    }
    return {};
}

// The fault's own plain properties, as far as the message does not name them.
std::string details(const vim::Value& fault, std::string_view message) {
    std::string out;
    const auto properties = vim::describe(fault.type()).properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const vim::Value& value = fault.slots()[i];
        std::string text;
        switch (value.kind()) {
            case vim::ValueKind::string:
            case vim::ValueKind::enumeration:
                text = value.as_string();
                break;
            case vim::ValueKind::int_:
            case vim::ValueKind::long_:
                text = fmt::format("{}", value.as_integer());
                break;
            case vim::ValueKind::moref:
                text = value.moref_id();
                break;
            default:
                break;
        }
        if (text.empty() || message.contains(text)) continue;
        out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", properties[i].name(), text);
    }
    return out;
}

}  // namespace

std::string fault_text(const vim::Fault& fault) {
    const TypeId type = fault.fault().dynamic_type();
    const std::string_view name = vim::describe(type).name();
    std::string message = fault.message();
    // Some servers send the mere type, or a key of their catalogue, for a sentence.
    if (message.empty() || message == name || !message.contains(' ')) message = words_for(type);
    const std::string facts = details(fault.fault().raw(), message);
    std::string out = fmt::format("{} ({}{}{})", message, name, facts.empty() ? "" : "; ", facts);
    if (const auto advice = advice_for(type); !advice.empty()) out += fmt::format("\n{}", advice);
    return out;
}

}  // namespace drover::cli
