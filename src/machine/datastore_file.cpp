#include "machine/datastore_file.hpp"

#include <algorithm>
#include <vector>

#include "vmx/text.hpp"

namespace drover::machine {
namespace {

constexpr std::string_view kVolumes = "/vmfs/volumes/";
constexpr std::size_t kMaxBytes = 1024;
constexpr std::size_t kMaxDepth = 32;

bool is_clean(std::string_view text) {
    return text.size() <= kMaxBytes && vmx::is_utf8(text) &&
           std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// The parts of a path below `base`, ".." applied. Nothing if it leads out or is malformed.
std::optional<std::string> normalized(std::string_view base, std::string_view path) {
    std::vector<std::string_view> parts;
    bool given = false;  // empty parts are refused in `path`, a single one at its end aside
    for (std::string_view rest : {base, path}) {
        while (!rest.empty()) {
            const auto slash = rest.find('/');
            const auto part = rest.substr(0, slash);
            rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
            if (part.empty()) {
                if (given) return std::nullopt;
            } else if (part == "..") {
                if (parts.empty()) return std::nullopt;
                parts.pop_back();
            } else if (part != ".") {
                parts.push_back(part);
            }
        }
        given = true;
    }
    if (parts.size() > kMaxDepth) return std::nullopt;
    std::string out;
    for (const auto part : parts) {
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

}  // namespace

std::optional<DatastoreFile> DatastoreFile::parse(std::string_view text) {
    if (!is_clean(text) || !text.starts_with('[')) return std::nullopt;
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    DatastoreFile file{std::string(text.substr(1, close - 1)), {}};
    const auto rest = vmx::trimmed(text.substr(close + 1));
    if (file.outside()) {
        file.relative = rest;
        return file;
    }
    if (rest.starts_with('/') || file.datastore.contains('/')) return std::nullopt;
    // A name must say where it leads: no "." or ".." even where they would do no harm.
    auto relative = normalized({}, rest);
    if (!relative || relative->size() + (rest.ends_with('/') ? 1 : 0) != rest.size()) {
        return std::nullopt;
    }
    file.relative = std::move(*relative);
    return file;
}

std::string DatastoreFile::to_string() const {
    return relative.empty() ? "[" + datastore + "]" : "[" + datastore + "] " + relative;
}

std::string_view DatastoreFile::file_name() const {
    const auto slash = relative.rfind('/');
    return std::string_view(relative).substr(slash == std::string::npos ? 0 : slash + 1);
}

DatastoreFile DatastoreFile::directory() const {
    const auto slash = relative.rfind('/');
    return {datastore, slash == std::string::npos ? std::string{} : relative.substr(0, slash)};
}

DatastoreFile DatastoreFile::child(std::string_view name) const {
    return {datastore, relative.empty() ? std::string(name) : relative + "/" + std::string(name)};
}

std::string file_from_vmx(std::string_view name, const DatastoreFile& directory,
                          const Datastores& datastores) {
    const std::string outside = "[] " + std::string(name);
    if (!is_clean(name)) return outside;
    if (name.starts_with("[]")) return std::string(name);
    if (!name.starts_with('/')) {
        if (directory.outside()) return outside;
        const auto relative = normalized(directory.relative, name);
        return relative ? DatastoreFile{directory.datastore, *relative}.to_string() : outside;
    }
    if (!name.starts_with(kVolumes)) return outside;
    const auto rest = name.substr(kVolumes.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return outside;
    const auto volume = rest.substr(0, slash);
    const auto relative = normalized({}, rest.substr(slash + 1));
    if (!relative) return outside;
    for (const auto& [datastore, facts] : datastores) {
        if (datastore == volume || facts.volume == volume) {
            return DatastoreFile{datastore, *relative}.to_string();
        }
    }
    // The machine's own datastore is known even when nobody listed it.
    if (volume == directory.datastore) {
        return DatastoreFile{directory.datastore, *relative}.to_string();
    }
    return outside;
}

std::string file_to_vmx(std::string_view file, const DatastoreFile& directory) {
    const auto parsed = DatastoreFile::parse(file);
    if (!parsed) return std::string(file);
    if (parsed->outside()) return parsed->relative;
    if (parsed->directory() == directory) return std::string(parsed->file_name());
    return std::string(kVolumes) + parsed->datastore + "/" + parsed->relative;
}

}  // namespace drover::machine
