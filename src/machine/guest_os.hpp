#pragma once

// The guest operating systems that the interface names, and how the .vmx names them.

#include <span>
#include <string>
#include <string_view>

namespace drover::machine {

enum class GuestFamily { windows, linux_, darwin, netware, solaris, other };

/// The API's word for a family: "windowsGuest", "linuxGuest", "otherGuestFamily", ...
std::string_view to_string(GuestFamily family);

struct GuestOs {
    std::string_view id;         ///< "debian11_64Guest"
    std::string_view full_name;  ///< "Debian GNU/Linux 11 (64-bit)"
    GuestFamily family;

    bool is_64_bit() const { return id.contains("64"); }
};

/// All that we know, in the order in which clients show them.
std::span<const GuestOs> guest_systems();

/// The entry of this id, nullptr if it is unknown. Ids are case-sensitive, as in the API.
const GuestOs* find_guest_os(std::string_view id);

/// The name that is shown for an id; of an unknown id that of otherGuest.
std::string_view guest_full_name(std::string_view id);

/// "debian11_64Guest" -> "debian11-64": the value of the .vmx file's guestOS.
std::string guest_id_to_vmx(std::string_view id);

/// The reverse, in any letter case. What we don't know becomes an id by the same rule, so that it
/// is written back as it was found; empty becomes otherGuest.
std::string guest_id_from_vmx(std::string_view name);

}  // namespace drover::machine
