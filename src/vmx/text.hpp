#pragma once

// What the text formats of VMware's machines have in common.

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace drover::vmx {

/// Why a text was refused, and where.
struct ParseError {
    std::size_t line = 0;  ///< counts from 1; 0 = the text as a whole
    std::string reason;

    /// "line 3: the quotation mark is never closed"
    std::string message() const;
};

/// True if the bytes are UTF-8 without overlong forms, surrogates or values past U+10FFFF.
bool is_utf8(std::string_view bytes);

/// ASCII lower case; other bytes stay.
std::string lower_case(std::string_view text);

/// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// Takes the next line off the front of `rest`, without its LF or CRs and LF.
std::string_view take_line(std::string_view& rest);

/// The same text in UTF-8. `encoding` is what the file's `.encoding` entry names; empty means that
/// there was none: then UTF-8 if the bytes are that, else windows-1252, as old hosts wrote it.
std::expected<std::string, std::string> to_utf8(std::string_view bytes, std::string_view encoding);

}  // namespace drover::vmx
