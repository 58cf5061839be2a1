#include "machine/guest_os.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "vmx/text.hpp"

namespace drover::machine {
namespace {

// Where the file's name does not follow from the id by the rule below.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kIrregular{{
    {"otherGuest64", "other-64"},
    {"windows7Server64Guest", "windows7srv-64"},
    {"windows8Server64Guest", "windows8srv-64"},
    {"windows9Server64Guest", "windows9srv-64"},
    {"windows2022srvNext_64Guest", "windows2022srvNext-64"},
}};

bool same_word(std::string_view left, std::string_view right) {
    return vmx::lower_case(left) == vmx::lower_case(right);
}

}  // namespace

std::string_view to_string(GuestFamily family) {
    switch (family) {
        case GuestFamily::windows:
            return "windowsGuest";
        case GuestFamily::linux_:
            return "linuxGuest";
        case GuestFamily::darwin:
            return "darwinGuestFamily";
        case GuestFamily::netware:
            return "netwareGuest";
        case GuestFamily::solaris:
            return "solarisGuest";
        case GuestFamily::other:
            return "otherGuestFamily";
    }
    return "otherGuestFamily";
}

const GuestOs* find_guest_os(std::string_view id) {
    const auto all = guest_systems();
    const auto found = std::ranges::find(all, id, &GuestOs::id);
    return found == all.end() ? nullptr : &*found;
}

std::string_view guest_full_name(std::string_view id) {
    const GuestOs* known = find_guest_os(id);
    return known != nullptr ? known->full_name : "Other (32-bit)";
}

// "<name>_64Guest" and "<name>64Guest" are "<name>-64" in the file, "<name>Guest" is "<name>".
// Windows and its like are written in lower case.
std::string guest_id_to_vmx(std::string_view id) {
    for (const auto& [known, name] : kIrregular) {
        if (id == known) return std::string(name);
    }
    std::string name(id);
    if (name.ends_with("Guest")) {
        name.resize(name.size() - 5);
        if (name.size() > 2 && name.ends_with("64")) {
            name.resize(name.size() - (name.ends_with("_64") ? 3 : 2));
            name += "-64";
        }
    }
    return id.starts_with("win") ? vmx::lower_case(name) : name;
}

std::string guest_id_from_vmx(std::string_view name) {
    if (name.empty()) return "otherGuest";
    for (const GuestOs& known : guest_systems()) {
        if (same_word(guest_id_to_vmx(known.id), name)) return std::string(known.id);
    }
    std::string id(name);
    if (id.ends_with("Guest")) return id;
    if (id.size() > 3 && id.ends_with("-64")) return id.substr(0, id.size() - 3) + "_64Guest";
    return id + "Guest";
}

}  // namespace drover::machine
