#include "vmx/vmx_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace drover::vmx {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string entry_line(std::string_view key, std::string_view value) {
    return fmt::format("{} = \"{}\"", key, VmxFile::escape(value));
}

struct RawEntry {
    std::string_view key;
    std::string_view value;  // still escaped
};

// What stands right of the '='. Quoted: up to the closing mark, then at most a comment. Bare: up to
// a comment, as VMware's products accept it.
std::expected<std::string_view, std::string> raw_value(std::string_view text) {
    if (!text.starts_with('"')) return trimmed(text.substr(0, text.find('#')));
    const auto end = text.find('"', 1);
    if (end == std::string_view::npos) {
        return std::unexpected("the quotation mark is never closed");
    }
    const auto rest = trimmed(text.substr(end + 1));
    if (!rest.empty() && !rest.starts_with('#')) {
        return std::unexpected("there is text after the closing quotation mark");
    }
    return text.substr(1, end - 1);
}

// Empty optional: a comment, an empty or an unknown line, which is kept as it is.
std::expected<std::optional<RawEntry>, std::string> split(std::string_view line) {
    const auto text = trimmed(line);
    const auto equals = text.find('=');
    if (text.starts_with('#') || equals == std::string_view::npos) return std::nullopt;
    const auto key = trimmed(text.substr(0, equals));
    if (!VmxFile::is_valid_key(key)) return std::nullopt;
    const auto value = raw_value(trimmed(text.substr(equals + 1)));
    if (!value) return std::unexpected(fmt::format("{}: {}", key, value.error()));
    return RawEntry{key, *value};
}

// The encoding must be known before the text can be split for good: some encodings have '"' and
// '|' as second bytes. The entry itself is ASCII in all of them.
std::string_view named_encoding(std::string_view text) {
    while (!text.empty()) {
        const auto entry = split(take_line(text));
        if (entry && *entry && lower_case((*entry)->key) == ".encoding") return (*entry)->value;
    }
    return {};
}

}  // namespace

bool VmxFile::is_valid_key(std::string_view key) {
    return !key.empty() && key.size() <= kMaxKeyBytes && std::ranges::all_of(key, [](char c) {
        return c > ' ' && c < 0x7f && c != '=' && c != '#' && c != '"';
    });
}

std::string VmxFile::escape(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '|' || byte < 0x20 || byte == 0x7f) {
            out += fmt::format("|{:02X}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

std::string VmxFile::unescape(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '|' && i + 2 < value.size()) {
            const int high = hex_digit(value[i + 1]);
            const int low = hex_digit(value[i + 2]);
            if (high >= 0 && low >= 0) {
                out += static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out += value[i];
    }
    return out;
}

std::expected<VmxFile, ParseError> VmxFile::parse(std::string_view text) {
    if (text.size() > kMaxFileBytes) {
        return std::unexpected(ParseError{0, "the file is longer than 1 MiB"});
    }
    if (text.contains('\0')) {
        return std::unexpected(ParseError{0, "the file contains a NUL byte"});
    }
    auto utf8 = to_utf8(text, named_encoding(text));
    if (!utf8) return std::unexpected(ParseError{0, utf8.error()});

    VmxFile file;
    std::string_view rest = *utf8;
    while (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
    for (std::size_t number = 1; !rest.empty(); ++number) {
        if (auto added = file.add_line(take_line(rest)); !added) {
            return std::unexpected(ParseError{number, added.error()});
        }
    }
    if (file.size_bytes_ > kMaxFileBytes) {
        return std::unexpected(ParseError{0, "the file is longer than 1 MiB in UTF-8"});
    }
    if (auto encoding = file.get(".encoding"); encoding && lower_case(*encoding) != "utf-8") {
        file.set(".encoding", "UTF-8");
    }
    return file;
}

std::expected<void, std::string> VmxFile::add_line(std::string_view text) {
    const auto entry = split(text);
    if (!entry) return std::unexpected(entry.error());
    Line line{std::string(text), {}, {}};
    if (*entry) {
        line.key = (*entry)->key;
        line.value = unescape((*entry)->value);
        if (line.value.size() > kMaxValueBytes) {
            return std::unexpected(fmt::format("{}: the value is longer than 64 KiB", line.key));
        }
        if (line.value.contains('\0') || !is_utf8(line.value)) {
            return std::unexpected(fmt::format("{}: the value is not valid text", line.key));
        }
        if (!index_.emplace(lower_case(line.key), lines_.size()).second) {
            return std::unexpected(fmt::format("{}: the key is defined twice", line.key));
        }
        if (index_.size() > kMaxKeys) return std::unexpected("there are more than 16384 keys");
    }
    size_bytes_ += line.text.size() + 1;
    lines_.push_back(std::move(line));
    return {};
}

std::string VmxFile::to_string() const {
    std::string out;
    out.reserve(size_bytes_);
    for (const Line& line : lines_) {
        out += line.text;
        out += '\n';
    }
    return out;
}

std::optional<std::string> VmxFile::get(std::string_view key) const {
    const auto found = index_.find(lower_case(key));
    if (found == index_.end()) return std::nullopt;
    return lines_[found->second].value;
}

std::expected<bool, ValueProblem> VmxFile::get_bool(std::string_view key) const {
    const auto value = get(key);
    if (!value) return std::unexpected(ValueProblem::absent);
    const std::string word = lower_case(trimmed(*value));
    for (const char* yes : {"true", "t", "yes", "y", "on", "1"}) {
        if (word == yes) return true;
    }
    for (const char* no : {"false", "f", "no", "n", "off", "0"}) {
        if (word == no) return false;
    }
    return std::unexpected(ValueProblem::malformed);
}

std::expected<std::int64_t, ValueProblem> VmxFile::get_integer(std::string_view key,
                                                               std::int64_t minimum,
                                                               std::int64_t maximum) const {
    const auto value = get(key);
    if (!value) return std::unexpected(ValueProblem::absent);
    const auto digits = trimmed(*value);
    std::int64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc{} || stop != end || number < minimum || number > maximum) {
        return std::unexpected(ValueProblem::malformed);
    }
    return number;
}

bool VmxFile::contains(std::string_view key) const {
    return index_.contains(lower_case(key));
}

std::vector<std::string> VmxFile::keys(std::string_view prefix) const {
    const std::string wanted = lower_case(prefix);
    std::vector<std::string> found;
    for (const Line& line : lines_) {
        if (!line.key.empty() && lower_case(line.key).starts_with(wanted)) {
            found.push_back(line.key);
        }
    }
    return found;
}

void VmxFile::set(std::string_view key, std::string_view value) {
    const auto refuse = [&](std::string_view why) {
        throw std::invalid_argument(fmt::format("{}: {}", key.substr(0, 80), why));
    };
    if (!is_valid_key(key)) refuse("is not a possible key");
    if (value.size() > kMaxValueBytes) refuse("the value is longer than 64 KiB");
    if (value.contains('\0') || !is_utf8(value)) refuse("the value is not valid text");

    if (lower_case(key) == ".encoding" && lower_case(value) != "utf-8") refuse("must be UTF-8");

    const auto found = index_.find(lower_case(key));
    const bool is_new = found == index_.end();
    const std::size_t old_bytes = is_new ? 0 : lines_[found->second].text.size() + 1;
    std::string text = entry_line(is_new ? key : lines_[found->second].key, value);
    const std::size_t new_bytes = text.size() + 1;
    if (size_bytes_ - old_bytes + new_bytes > kMaxFileBytes) refuse("the file would exceed 1 MiB");
    if (is_new) {
        if (index_.size() >= kMaxKeys) refuse("there are 16384 keys already");
        index_.emplace(lower_case(key), lines_.size());
        lines_.push_back({std::move(text), std::string(key), std::string(value)});
    } else {
        Line& line = lines_[found->second];
        if (line.value == value) return;  // keeps the line's own layout
        line.text = std::move(text);
        line.value = value;
    }
    size_bytes_ = size_bytes_ - old_bytes + new_bytes;
}

void VmxFile::set_bool(std::string_view key, bool value) {
    set(key, value ? "TRUE" : "FALSE");
}

void VmxFile::set_integer(std::string_view key, std::int64_t value) {
    set(key, std::to_string(value));
}

bool VmxFile::remove(std::string_view key) {
    const auto found = index_.find(lower_case(key));
    if (found == index_.end()) return false;
    const std::size_t position = found->second;
    size_bytes_ -= lines_[position].text.size() + 1;
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(position));
    index_.erase(found);
    for (auto& [name, at] : index_) {
        if (at > position) --at;
    }
    return true;
}

std::size_t VmxFile::remove_prefix(std::string_view prefix) {
    const std::string wanted = lower_case(prefix);
    const std::size_t removed = std::erase_if(lines_, [&](const Line& line) {
        return !line.key.empty() && lower_case(line.key).starts_with(wanted);
    });
    index_.clear();
    size_bytes_ = 0;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (!lines_[i].key.empty()) index_.emplace(lower_case(lines_[i].key), i);
        size_bytes_ += lines_[i].text.size() + 1;
    }
    return removed;
}

}  // namespace drover::vmx
