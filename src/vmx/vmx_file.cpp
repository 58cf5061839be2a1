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

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Loops rather than algorithms with projections: a host that starts compares keys by the million.
bool less_key(std::string_view left, std::string_view right) {
    const std::size_t common = std::min(left.size(), right.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (left[i] == right[i]) continue;
        const char one = lower(left[i]);
        const char other = lower(right[i]);
        if (one != other) return one < other;
    }
    return left.size() < right.size();
}

bool same_key(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (left[i] != right[i] && lower(left[i]) != lower(right[i])) return false;
    }
    return true;
}

bool starts_with_key(std::string_view key, std::string_view prefix) {
    return same_key(key.substr(0, prefix.size()), prefix);
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
    if (file.text_.size() > kMaxFileBytes) {
        return std::unexpected(ParseError{0, "the file is longer than 1 MiB in UTF-8"});
    }
    file.sort_keys();
    const auto twice =
        std::ranges::adjacent_find(file.order_, [&file](std::uint32_t left, std::uint32_t right) {
            return same_key(file.key_of(file.lines_[left]), file.key_of(file.lines_[right]));
        });
    if (twice != file.order_.end()) {
        const std::uint32_t second = *std::next(twice);
        return std::unexpected(ParseError{
            second + 1,
            fmt::format("{}: the key is defined twice", file.key_of(file.lines_[second]))});
    }
    file.text_.shrink_to_fit();
    file.lines_.shrink_to_fit();
    file.order_.shrink_to_fit();
    if (auto encoding = file.get(".encoding"); encoding && lower_case(*encoding) != "utf-8") {
        file.set(".encoding", "UTF-8");
    }
    return file;
}

std::expected<void, std::string> VmxFile::add_line(std::string_view text) {
    const auto entry = split(text);
    if (!entry) return std::unexpected(entry.error());
    if (*entry) {
        const std::string value = unescape((*entry)->value);
        if (value.size() > kMaxValueBytes) {
            return std::unexpected(
                fmt::format("{}: the value is longer than 64 KiB", (*entry)->key));
        }
        if (value.contains('\0') || !is_utf8(value)) {
            return std::unexpected(fmt::format("{}: the value is not valid text", (*entry)->key));
        }
        order_.push_back(static_cast<std::uint32_t>(lines_.size()));
        if (order_.size() > kMaxKeys) return std::unexpected("there are more than 16384 keys");
    }
    append(text);
    return {};
}

// Adds a line that can be split. Its place in order_ is the caller's matter.
void VmxFile::append(std::string_view text) {
    Line line;
    line.begin = static_cast<std::uint32_t>(text_.size());
    line.size = static_cast<std::uint32_t>(text.size());
    if (const auto entry = split(text); entry && *entry) {
        const auto offset = [&text](std::string_view part) {
            return static_cast<std::uint32_t>(part.data() - text.data());
        };
        line.key_begin = offset((*entry)->key);
        line.key_size = static_cast<std::uint32_t>((*entry)->key.size());
        line.value_begin = (*entry)->value.empty() ? 0 : offset((*entry)->value);
        line.value_size = static_cast<std::uint32_t>((*entry)->value.size());
    }
    text_.append(text);
    text_ += '\n';
    lines_.push_back(line);
}

std::string_view VmxFile::text_of(const Line& line) const {
    return std::string_view(text_).substr(line.begin, line.size);
}

std::string_view VmxFile::key_of(const Line& line) const {
    return text_of(line).substr(line.key_begin, line.key_size);
}

std::vector<std::uint32_t>::const_iterator VmxFile::place_of(std::string_view key) const {
    return std::ranges::lower_bound(
        order_, key, less_key, [this](std::uint32_t position) { return key_of(lines_[position]); });
}

const VmxFile::Line* VmxFile::find(std::string_view key) const {
    const auto place = place_of(key);
    if (place == order_.end() || !same_key(key_of(lines_[*place]), key)) return nullptr;
    return &lines_[*place];
}

void VmxFile::sort_keys() {
    order_.clear();
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
        if (lines_[i].key_size != 0) order_.push_back(i);
    }
    std::ranges::sort(order_, [this](std::uint32_t left, std::uint32_t right) {
        const auto one = key_of(lines_[left]);
        const auto other = key_of(lines_[right]);
        return less_key(one, other) || (!less_key(other, one) && left < right);
    });
}

std::string VmxFile::to_string() const {
    return text_;
}

std::optional<std::string> VmxFile::get(std::string_view key) const {
    const Line* line = find(key);
    if (line == nullptr) return std::nullopt;
    return unescape(text_of(*line).substr(line->value_begin, line->value_size));
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
    return find(key) != nullptr;
}

std::vector<std::string> VmxFile::keys(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const Line& line : lines_) {
        if (line.key_size != 0 && starts_with_key(key_of(line), prefix)) {
            found.emplace_back(key_of(line));
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

    const Line* found = find(key);
    const bool is_new = found == nullptr;
    const std::string text = entry_line(is_new ? key : key_of(*found), value);
    const std::size_t old_bytes = is_new ? 0 : found->size + 1;
    if (text_.size() - old_bytes + text.size() + 1 > kMaxFileBytes) {
        refuse("the file would exceed 1 MiB");
    }
    if (!is_new) {
        if (get(key) == value) return;  // keeps the line's own layout
        return replace_line(static_cast<std::size_t>(found - lines_.data()), text);
    }
    if (order_.size() >= kMaxKeys) refuse("there are 16384 keys already");
    const auto place = place_of(key);
    order_.insert(place, static_cast<std::uint32_t>(lines_.size()));
    append(text);
}

// The line stays the same entry: its place among the keys does not change.
void VmxFile::replace_line(std::size_t position, std::string_view text) {
    VmxFile single;
    single.append(text);
    const Line old = lines_[position];
    lines_[position] = single.lines_.front();
    lines_[position].begin = old.begin;
    text_.replace(old.begin, old.size, text);
    for (std::size_t i = position + 1; i < lines_.size(); ++i) {
        lines_[i].begin += static_cast<std::uint32_t>(text.size());
        lines_[i].begin -= old.size;
    }
}

void VmxFile::set_bool(std::string_view key, bool value) {
    set(key, value ? "TRUE" : "FALSE");
}

void VmxFile::set_integer(std::string_view key, std::int64_t value) {
    set(key, std::to_string(value));
}

bool VmxFile::remove(std::string_view key) {
    const Line* found = find(key);
    if (found == nullptr) return false;
    const auto position = static_cast<std::uint32_t>(found - lines_.data());
    const std::uint32_t bytes = found->size + 1;
    order_.erase(place_of(key));
    text_.erase(found->begin, bytes);
    lines_.erase(lines_.begin() + position);
    for (std::size_t i = position; i < lines_.size(); ++i) lines_[i].begin -= bytes;
    for (std::uint32_t& each : order_) {
        if (each > position) --each;
    }
    return true;
}

std::size_t VmxFile::remove_prefix(std::string_view prefix) {
    VmxFile kept;
    for (const Line& line : lines_) {
        if (line.key_size == 0 || !starts_with_key(key_of(line), prefix)) {
            kept.append(text_of(line));
        }
    }
    const std::size_t removed = lines_.size() - kept.lines_.size();
    if (removed == 0) return 0;
    kept.sort_keys();
    *this = std::move(kept);
    return removed;
}

}  // namespace drover::vmx
