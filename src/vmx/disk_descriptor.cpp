#include "vmx/disk_descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

namespace drover::vmx {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view digits, int base = 10) {
    T number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number, base);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::string_view take_word(std::string_view& text) {
    text = trimmed(text);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

// Values know no escapes: whatever would end the quotes or the line can't be written.
bool is_writable(std::string_view value) {
    return is_utf8(value) && std::ranges::none_of(value, [](char c) {
               return c == '"' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
}

std::optional<ExtentAccess> parse_access(std::string_view word) {
    const std::string lower = lower_case(word);
    if (lower == "rw") return ExtentAccess::read_write;
    if (lower == "rdonly") return ExtentAccess::read_only;
    if (lower == "noaccess") return ExtentAccess::no_access;
    return std::nullopt;
}

std::string_view access_word(ExtentAccess access) {
    switch (access) {
        case ExtentAccess::read_write:
            return "RW";
        case ExtentAccess::read_only:
            return "RDONLY";
        case ExtentAccess::no_access:
            return "NOACCESS";
    }
    return "NOACCESS";
}

// RW 16777216 VMFS "demo-flat.vmdk" 0
std::expected<DiskExtent, std::string> parse_extent(std::string_view line) {
    DiskExtent extent;
    extent.access = parse_access(take_word(line)).value();
    const auto size = parse_number<std::uint64_t>(take_word(line));
    if (!size || *size > DiskDescriptor::kMaxCapacitySectors) {
        return std::unexpected("the extent's size is no possible number of sectors");
    }
    extent.size_sectors = *size;
    extent.type = take_word(line);
    for (char& c : extent.type) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if ((c < 'A' || c > 'Z') && (c < '0' || c > '9')) {
            return std::unexpected("the extent's type is no word");
        }
    }
    if (extent.type.empty()) return std::unexpected("the extent has no type");
    line = trimmed(line);
    if (line.empty()) {
        if (extent.type != "ZERO") return std::unexpected("the extent has no file name");
        return extent;
    }
    const auto end = line.starts_with('"') ? line.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
        return std::unexpected("the extent's file name is not in quotation marks");
    }
    extent.file_name = line.substr(1, end - 1);
    if (!is_writable(extent.file_name)) {
        return std::unexpected("the extent's file name contains control characters");
    }
    line.remove_prefix(end + 1);
    const auto offset = take_word(line);
    if (!offset.empty()) {
        extent.offset_sectors = parse_number<std::uint64_t>(offset);
        if (!extent.offset_sectors) return std::unexpected("the extent's offset is no number");
    }
    // Further words (a partition's UUID or device) say nothing about the disk's content.
    return extent;
}

std::expected<std::string, std::string> parse_value(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('"')) {
        if (text.size() < 2 || !text.ends_with('"')) {
            return std::unexpected("the quotation mark is never closed");
        }
        text = text.substr(1, text.size() - 2);
    }
    if (!is_writable(text)) return std::unexpected("the value is not valid text");
    return std::string(text);
}

// Gathers the lines of one descriptor; every field may come once.
class Reader {
public:
    std::expected<void, std::string> line(std::string_view text) {
        text = trimmed(text);
        if (text.empty() || text.starts_with('#')) return {};
        std::string_view rest = text;
        if (parse_access(take_word(rest)) && !trimmed(rest).starts_with('=')) return extent(text);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) return std::unexpected("the line is no entry");
        const std::string key(trimmed(text.substr(0, equals)));
        if (key.empty() || key.size() > 256 || key.find_first_of("\"\t ") != std::string::npos ||
            !is_writable(key)) {
            return std::unexpected("the line does not begin with a key");
        }
        auto value = parse_value(text.substr(equals + 1));
        if (!value) return std::unexpected(fmt::format("{}: {}", key, value.error()));
        if (!seen_.insert(lower_case(key)).second) {
            return std::unexpected(fmt::format("{}: the key is defined twice", key));
        }
        if (seen_.size() > DiskDescriptor::kMaxEntries) {
            return std::unexpected("there are too many entries");
        }
        return entry(key, std::move(*value));
    }

    std::expected<DiskDescriptor, std::string> finish() {
        for (const char* field : {"version", "cid", "createtype"}) {
            if (!seen_.contains(field)) {
                return std::unexpected(fmt::format("{}: the field is missing", field));
            }
        }
        return std::move(result_);
    }

private:
    std::expected<void, std::string> extent(std::string_view text) {
        auto parsed = parse_extent(text);
        if (!parsed) return std::unexpected(parsed.error());
        capacity_ += parsed->size_sectors;
        if (capacity_ > DiskDescriptor::kMaxCapacitySectors) {
            return std::unexpected("the extents together are too large");
        }
        result_.extents.push_back(std::move(*parsed));
        if (result_.extents.size() > DiskDescriptor::kMaxExtents) {
            return std::unexpected("there are too many extents");
        }
        return {};
    }

    std::expected<void, std::string> entry(const std::string& key, std::string value) {
        const std::string lower = lower_case(key);
        const auto number = [&](std::uint32_t& into, int base) -> std::expected<void, std::string> {
            const auto parsed = parse_number<std::uint32_t>(value, base);
            if (!parsed) return std::unexpected(fmt::format("{}: is no number", key));
            into = *parsed;
            return {};
        };
        if (lower == "version") return number(result_.version, 10);
        if (lower == "cid") return number(result_.content_id, 16);
        if (lower == "parentcid") return number(result_.parent_content_id, 16);
        if (lower == "createtype") {
            result_.create_type = std::move(value);
        } else if (lower == "parentfilenamehint") {
            result_.parent_file_name_hint = std::move(value);
        } else if (lower.starts_with("ddb.") || lower.starts_with("drover.")) {
            result_.database.emplace_back(key, std::move(value));
        } else if (lower == "encoding") {
            // Converted already; written as UTF-8.
        } else {
            result_.others.emplace_back(key, std::move(value));
        }
        return {};
    }

    DiskDescriptor result_;
    std::set<std::string> seen_;
    std::uint64_t capacity_ = 0;
};

std::string named_encoding(std::string_view text) {
    while (!text.empty()) {
        const auto line = take_line(text);
        const auto equals = std::min(line.find('='), line.size());
        if (equals < line.size() && lower_case(trimmed(line.substr(0, equals))) == "encoding") {
            return parse_value(line.substr(equals + 1)).value_or("");
        }
    }
    return {};
}

auto find_entry(auto& entries, std::string_view key) {
    return std::ranges::find_if(entries, [wanted = lower_case(key)](const auto& e) {
        return lower_case(e.first) == wanted;
    });
}

}  // namespace

std::string_view to_string(DiskFormat format) {
    return format == DiskFormat::raw ? "raw" : "qcow2";
}

DiskFileKind identify_disk_file(std::string_view first_bytes) {
    if (first_bytes.starts_with("KDMV")) return DiskFileKind::sparse_binary;
    if (first_bytes.starts_with("COWD")) return DiskFileKind::cow_binary;
    // Some writers pad the text with zeroes to whole sectors.
    const auto head = first_bytes.substr(0, 512);
    const std::string text = lower_case(head.substr(0, head.find('\0')));
    const bool is_text = text.contains("# disk descriptorfile") || text.contains("version=") ||
                         text.contains("version =");
    return is_text ? DiskFileKind::descriptor : DiskFileKind::unknown;
}

std::expected<DiskDescriptor, ParseError> DiskDescriptor::parse(std::string_view text) {
    if (text.size() > kMaxFileBytes) {
        return std::unexpected(ParseError{0, "the descriptor is longer than 256 KiB"});
    }
    if (text.starts_with("KDMV") || text.starts_with("COWD")) {
        return std::unexpected(ParseError{0, "this is a binary sparse disk, not a descriptor"});
    }
    // A descriptor embedded in a sparse file is padded with zeroes.
    text = text.substr(0, text.find('\0'));
    const auto utf8 = to_utf8(text, named_encoding(text));
    if (!utf8) return std::unexpected(ParseError{0, utf8.error()});
    Reader reader;
    std::string_view rest = *utf8;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        if (auto done = reader.line(take_line(rest)); !done) {
            return std::unexpected(ParseError{number, done.error()});
        }
    }
    auto result = reader.finish();
    if (!result) return std::unexpected(ParseError{0, result.error()});
    return std::move(*result);
}

std::string DiskDescriptor::to_string() const {
    std::string out = fmt::format(
        "# Disk DescriptorFile\nversion={}\nencoding=\"UTF-8\"\nCID={:08x}\nparentCID={:08x}\n",
        version, content_id, parent_content_id);
    for (const auto& [key, value] : others) out += fmt::format("{}=\"{}\"\n", key, value);
    out += fmt::format("createType=\"{}\"\n", create_type);
    if (!parent_file_name_hint.empty()) {
        out += fmt::format("parentFileNameHint=\"{}\"\n", parent_file_name_hint);
    }
    out += "\n# Extent description\n";
    for (const DiskExtent& extent : extents) {
        out +=
            fmt::format("{} {} {}", access_word(extent.access), extent.size_sectors, extent.type);
        if (!extent.file_name.empty() || extent.offset_sectors) {
            out += fmt::format(" \"{}\"", extent.file_name);
        } else if (extent.type != "ZERO") {
            out += " \"\"";
        }
        if (extent.offset_sectors) out += fmt::format(" {}", *extent.offset_sectors);
        out += '\n';
    }
    out += "\n# The Disk Data Base\n#DDB\n\n";
    for (const auto& [key, value] : database) out += fmt::format("{} = \"{}\"\n", key, value);
    return out;
}

std::uint64_t DiskDescriptor::capacity_sectors() const {
    std::uint64_t sum = 0;
    for (const DiskExtent& extent : extents) sum += extent.size_sectors;
    return sum;
}

std::optional<std::string> DiskDescriptor::find(std::string_view key) const {
    const auto found = find_entry(database, key);
    if (found == database.end()) return std::nullopt;
    return found->second;
}

void DiskDescriptor::set(std::string_view key, std::string_view value) {
    if (!is_writable(value)) {
        throw std::invalid_argument(fmt::format("{}: the value is not valid text", key));
    }
    const auto found = find_entry(database, key);
    if (found == database.end()) {
        database.emplace_back(key, value);
    } else {
        found->second = value;
    }
}

void DiskDescriptor::remove(std::string_view key) {
    const auto found = find_entry(database, key);
    if (found != database.end()) database.erase(found);
}

std::expected<DiskFormat, std::string> DiskDescriptor::format() const {
    if (extents.size() != 1) {
        return std::unexpected(
            fmt::format("a disk of {} extents can't be run in place", extents.size()));
    }
    const DiskExtent& extent = extents.front();
    if (extent.offset_sectors.value_or(0) != 0) {
        return std::unexpected("an extent that does not begin at offset 0 can't be run in place");
    }
    if (const auto stated = find("drover.format")) {
        if (*stated == "raw") return DiskFormat::raw;
        if (*stated == "qcow2") return DiskFormat::qcow2;
        return std::unexpected(fmt::format("drover.format: '{}' is not known", *stated));
    }
    if (extent.type != "VMFS" && extent.type != "FLAT") {
        return std::unexpected(
            fmt::format("an extent of type {} can't be run in place", extent.type));
    }
    if (has_parent()) return std::unexpected("a flat disk with a parent makes no sense");
    return DiskFormat::raw;
}

void DiskDescriptor::set_adapter(std::string_view adapter_type) {
    const DiskGeometry shape = disk_geometry(capacity_sectors(), adapter_type);
    set("ddb.adapterType", adapter_type);
    set("ddb.geometry.cylinders", std::to_string(shape.cylinders));
    set("ddb.geometry.heads", std::to_string(shape.heads));
    set("ddb.geometry.sectors", std::to_string(shape.sectors));
}

}  // namespace drover::vmx
