#include "storage/datastore_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "vmx/text.hpp"

namespace drover::storage {
namespace {

bool has_control(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// "a//b/" has the parts "a", "", "b", ""; the empty path has none.
std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    if (path.empty()) return parts;
    while (true) {
        const auto slash = path.find('/');
        parts.push_back(path.substr(0, slash));
        if (slash == path.npos) return parts;
        path.remove_prefix(slash + 1);
    }
}

std::string join(const std::vector<std::string_view>& parts) {
    return fmt::format("{}", fmt::join(parts, "/"));
}

std::expected<void, std::string> check_datastore(std::string_view name) {
    if (name.empty()) return std::unexpected("the datastore's name is empty");
    if (name.size() > DatastorePath::kMaxNameBytes) {
        return std::unexpected("the datastore's name is longer than 80 bytes");
    }
    if (has_control(name) || !vmx::is_utf8(name) || name.find_first_of("[]/") != name.npos) {
        return std::unexpected("the datastore's name contains characters that it may not");
    }
    return {};
}

std::expected<void, std::string> check_relative(std::string_view path) {
    if (path.starts_with('/')) return std::unexpected("the path is absolute");
    if (path.size() > DatastorePath::kMaxRelativeBytes) {
        return std::unexpected("the path is longer than 1024 bytes");
    }
    if (has_control(path)) return std::unexpected("the path contains control characters");
    if (!vmx::is_utf8(path)) return std::unexpected("the path is not valid UTF-8");
    const auto parts = split(path);
    if (parts.size() > DatastorePath::kMaxDepth) {
        return std::unexpected("the path has more than 32 parts");
    }
    for (const std::string_view part : parts) {
        if (part.empty()) return std::unexpected("the path has an empty part");
        if (part == "." || part == "..") return std::unexpected("the path contains '.' or '..'");
        if (part.size() > DatastorePath::kMaxPartBytes) {
            return std::unexpected("a part of the path is longer than 255 bytes");
        }
    }
    return {};
}

}  // namespace

std::expected<DatastorePath, std::string> DatastorePath::make(std::string_view datastore,
                                                              std::string_view relative) {
    if (auto checked = check_datastore(datastore); !checked) {
        return std::unexpected(checked.error());
    }
    if (relative.size() > 1 && relative.ends_with('/')) relative.remove_suffix(1);
    if (auto checked = check_relative(relative); !checked) return std::unexpected(checked.error());
    DatastorePath path;
    path.datastore_ = datastore;
    path.relative_ = relative;
    return path;
}

std::expected<DatastorePath, std::string> DatastorePath::parse(std::string_view text) {
    const auto close = text.find(']');
    if (!text.starts_with('[') || close == text.npos) {
        return std::unexpected("the path does not begin with '[datastore]'");
    }
    std::string_view relative = text.substr(close + 1);
    if (relative.starts_with(' ')) relative.remove_prefix(1);
    return make(text.substr(1, close - 1), relative);
}

std::string DatastorePath::file_name() const {
    return relative_.substr(relative_.rfind('/') + 1);
}

DatastorePath DatastorePath::parent() const {
    DatastorePath path = *this;
    const auto slash = relative_.rfind('/');
    path.relative_.resize(slash == std::string::npos ? 0 : slash);
    return path;
}

std::expected<DatastorePath, std::string> DatastorePath::child(std::string_view name) const {
    return make(datastore_, is_root() ? std::string(name) : fmt::format("{}/{}", relative_, name));
}

std::expected<DatastorePath, std::string> DatastorePath::resolve(std::string_view reference) const {
    if (reference.empty()) return std::unexpected("the reference is empty");
    if (reference.starts_with('/')) return std::unexpected("the reference is absolute");
    auto parts = split(relative_);
    for (const std::string_view part : split(reference)) {
        if (part == ".") continue;
        if (part != "..") {
            parts.push_back(part);
            continue;
        }
        if (parts.empty()) return std::unexpected("the reference leaves the datastore");
        parts.pop_back();
    }
    return make(datastore_, join(parts));
}

std::string DatastorePath::reference_to(const DatastorePath& target) const {
    const auto from = split(relative_);
    const auto to = split(target.relative_);
    const auto common =
        static_cast<std::size_t>(std::ranges::mismatch(from, to).in1 - from.begin());
    std::string reference;
    for (std::size_t i = common; i < from.size(); ++i) reference += "../";
    return reference + join({to.begin() + static_cast<std::ptrdiff_t>(common), to.end()});
}

std::string DatastorePath::to_string() const {
    return is_root() ? fmt::format("[{}]", datastore_)
                     : fmt::format("[{}] {}", datastore_, relative_);
}

}  // namespace drover::storage
