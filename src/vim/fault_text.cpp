#include "vim/fault_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace drover::vim {
namespace {

struct Text {
    TypeId type;
    std::string_view text;
};

// A type without a line here takes the nearest base's, down to those that say nothing in
// particular.
constexpr std::array kTexts{
    Text{TypeId::AlreadyBeingManaged, "The host is managed by another server already."},
    Text{TypeId::AlreadyExists, "An object of this name or key exists already."},
    Text{TypeId::AlreadyUpgraded, "The virtual hardware is of the newest version already."},
    Text{TypeId::CannotAccessFile, "A file cannot be opened."},
    Text{TypeId::CannotAccessNetwork, "A network is not accessible."},
    Text{TypeId::ConcurrentAccess, "The object was changed by another operation."},
    Text{TypeId::DatacenterMismatch, "The objects do not belong to the same datacenter."},
    Text{TypeId::DuplicateName, "The name is in use already."},
    Text{TypeId::FileAlreadyExists, "The file exists already."},
    Text{TypeId::FileFault, "A file could not be accessed."},
    Text{TypeId::FileLocked, "The file is locked by another operation or host."},
    Text{TypeId::FileNotFound, "The file was not found."},
    Text{TypeId::GuestOperationsUnavailable, "The guest operations agent cannot be reached."},
    Text{TypeId::HostNotConnected, "The host is not connected."},
    Text{TypeId::HostNotReachable, "The host cannot be reached over the network."},
    Text{TypeId::InsufficientResourcesFault, "There are not enough resources for the operation."},
    Text{TypeId::InvalidArgument, "A specified parameter was not correct."},
    Text{TypeId::InvalidDatastore, "The datastore cannot be used for the operation."},
    Text{TypeId::InvalidDatastorePath, "The datastore path is not valid."},
    Text{TypeId::InvalidDeviceSpec, "The configuration of a device is not valid."},
    Text{TypeId::InvalidFolder, "The folder cannot hold this object."},
    Text{TypeId::InvalidLocale, "The locale is unknown or not supported."},
    Text{TypeId::InvalidLogin, "Cannot complete login due to an incorrect user name or password."},
    Text{TypeId::InvalidName, "The name is not valid."},
    Text{TypeId::InvalidPowerState,
         "The operation cannot be performed in the current power state."},
    Text{TypeId::InvalidRequest, "The request is not valid."},
    Text{TypeId::InvalidState, "The operation is not allowed in the current state."},
    Text{TypeId::InvalidVmConfig, "The virtual machine's configuration is not valid."},
    Text{TypeId::LimitExceeded, "A limit has been exceeded."},
    Text{TypeId::ManagedObjectNotFound,
         "The object has already been deleted or has never existed."},
    Text{TypeId::MethodNotFound, "The method is not known."},
    Text{TypeId::NoDiskSpace, "There is not enough space on the datastore."},
    Text{TypeId::NoPermission, "Permission to perform this operation was denied."},
    Text{TypeId::NotAuthenticated, "The session is not authenticated."},
    Text{TypeId::NotEnoughLicenses, "There are not enough licenses for the operation."},
    Text{TypeId::NotFound, "The object was not found."},
    Text{TypeId::NotImplemented, "The operation is not implemented."},
    Text{TypeId::NotSupported, "The operation is not supported on the object."},
    Text{TypeId::OutOfBounds, "A value is outside of its range."},
    Text{TypeId::RequestCanceled, "The task was canceled by a user."},
    Text{TypeId::ResourceInUse, "The resource is in use."},
    Text{TypeId::SecurityError, "A security check failed."},
    Text{TypeId::SnapshotFault, "A snapshot operation failed."},
    Text{TypeId::SystemError, "A general system error occurred."},
    Text{TypeId::TaskInProgress, "Another task is in progress on the object."},
    Text{TypeId::Timedout, "The operation timed out."},
    Text{TypeId::ToolsUnavailable, "The agent in the guest is not running."},
    Text{TypeId::VmConfigFault, "The virtual machine cannot be configured so."},
};

// "InvalidIpmiLoginInfo" -> "Invalid IPMI login info." but for the case of abbreviations.
std::string spelled_out(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto is_upper = [&](std::size_t at) {
            return at < name.size() && std::isupper(static_cast<unsigned char>(name[at])) != 0;
        };
        const bool begins = i > 0 && is_upper(i) && (!is_upper(i - 1) || !is_upper(i + 1));
        if (begins && i + 1 < name.size()) text += ' ';
        const bool abbreviation = is_upper(i + 1) || (i > 0 && is_upper(i - 1) && !begins);
        text += i > 0 && is_upper(i) && !abbreviation
                    ? static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])))
                    : name[i];
    }
    return text + '.';
}

}  // namespace

std::string default_fault_text(TypeId fault) {
    const auto own = [](TypeId type) { return std::ranges::find(kTexts, type, &Text::type); };
    if (const auto found = own(fault); found != kTexts.end()) return std::string(found->text);
    std::string text = spelled_out(describe(fault).name());
    for (TypeId base = describe(fault).base; base != TypeId::none; base = describe(base).base) {
        const auto found = own(base);
        if (found == kTexts.end()) continue;
        // Both: what happened, and what kind of thing it is.
        text += ' ';
        text += found->text;
        break;
    }
    return text;
}

}  // namespace drover::vim
