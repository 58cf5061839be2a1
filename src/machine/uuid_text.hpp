#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drover::machine {

/// A UUID in any common spelling (with or without dashes, braces, blanks; any case) in its
/// lower-case form with dashes; nothing if it is none.
std::optional<std::string> parse_uuid(std::string_view text);

/// The .vmx file's form: "56 4d 12 34 56 78 9a bc-de f0 12 34 56 78 9a bc". `uuid` is well-formed.
std::string uuid_to_vmx(std::string_view uuid);

/// A MAC address as "00:50:56:01:02:03"; '-' is accepted for ':'. Nothing if it is none.
std::optional<std::string> parse_mac(std::string_view text);

}  // namespace drover::machine
