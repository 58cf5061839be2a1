#pragma once

// The .vmx file: a machine's configuration as lines of `key = "value"`, as VMware writes it.
//
//   VmxFile file = VmxFile::parse(text).value();
//   file.get("displayName");  file.set("memsize", "512");  file.to_string();
//
// Keys are found in any letter case but keep their spelling and order. Comments, empty lines and
// lines that are no entry are kept where they stand, and an entry that nobody sets is written back
// byte for byte. A value object: copy it freely; no locking of its own.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vmx/text.hpp"

namespace drover::vmx {

/// Why a typed getter has no value.
enum class ValueProblem { absent, malformed };

class VmxFile {
public:
    static constexpr std::size_t kMaxFileBytes = 1 << 20;
    static constexpr std::size_t kMaxKeys = 16 * 1024;
    static constexpr std::size_t kMaxKeyBytes = 1024;
    static constexpr std::size_t kMaxValueBytes = 64 * 1024;

    /// Refuses a key that occurs twice, open quotation marks, NUL, text that is not in the encoding
    /// it names, and whatever exceeds the limits above. Other encodings become UTF-8.
    static std::expected<VmxFile, ParseError> parse(std::string_view text);

    /// The whole file, lines ended by LF, in UTF-8. parse() reads it back to the same entries.
    std::string to_string() const;

    std::optional<std::string> get(std::string_view key) const;
    /// TRUE, T, YES, Y, ON, 1 and their opposites, in any letter case.
    std::expected<bool, ValueProblem> get_bool(std::string_view key) const;
    /// A decimal number; malformed if it lies outside [minimum, maximum].
    std::expected<std::int64_t, ValueProblem> get_integer(std::string_view key,
                                                          std::int64_t minimum = INT64_MIN,
                                                          std::int64_t maximum = INT64_MAX) const;
    bool contains(std::string_view key) const;
    /// Keys in the file's order and spelling; with a prefix (any case) just those.
    std::vector<std::string> keys(std::string_view prefix = {}) const;

    /// Changes an entry where it stands or adds it at the end. Throws std::invalid_argument that
    /// names the key if it is no possible key (is_valid_key), the value is no UTF-8, contains NUL
    /// or is too long, or the file would exceed its limits.
    void set(std::string_view key, std::string_view value);
    void set_bool(std::string_view key, bool value);
    void set_integer(std::string_view key, std::int64_t value);

    /// True if the key was there.
    bool remove(std::string_view key);
    /// Removes all keys that begin so (any case), e.g. "scsi0:1."; returns how many.
    std::size_t remove_prefix(std::string_view prefix);

    std::size_t size() const { return order_.size(); }

    /// Visible ASCII without '=', '#' and '"', not empty, at most kMaxKeyBytes.
    static bool is_valid_key(std::string_view key);
    /// A value with '"', '|' and control characters written as |22, |7C, ...
    static std::string escape(std::string_view value);
    /// The reverse. A bar that no two hexadecimal digits follow stands for itself.
    static std::string unescape(std::string_view value);

private:
    // Where a line stands in the text, and its parts within it. Small: hosts keep thousands of
    // files in memory.
    struct Line {
        std::uint32_t begin = 0;
        std::uint32_t size = 0;       // without the LF
        std::uint32_t key_begin = 0;  // from the line's begin
        std::uint32_t key_size = 0;   // 0: a comment or an unknown line
        std::uint32_t value_begin = 0;
        std::uint32_t value_size = 0;  // as written: escaped
    };

    std::expected<void, std::string> add_line(std::string_view text);
    void append(std::string_view text);
    std::string_view text_of(const Line& line) const;
    std::string_view key_of(const Line& line) const;
    /// The place in order_ of this key, or where it would be.
    std::vector<std::uint32_t>::const_iterator place_of(std::string_view key) const;
    const Line* find(std::string_view key) const;
    void sort_keys();
    void replace_line(std::size_t position, std::string_view text);

    std::string text_;                  // every line with its LF
    std::vector<Line> lines_;           // in their order
    std::vector<std::uint32_t> order_;  // positions of entries, in the order of lower-case keys
};

}  // namespace drover::vmx
