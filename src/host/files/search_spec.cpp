#include "host/files/search_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "storage/datastore_path.hpp"
#include "vim/fault.hpp"
#include "vmx/text.hpp"

namespace drover::host::files {

namespace {

constexpr std::array<std::pair<std::string_view, FileType>, 9> kExtensions{{
    {".vmdk", FileType::disk},
    {".vmx", FileType::config},
    {".vmtx", FileType::template_config},
    {".log", FileType::log},
    {".nvram", FileType::nvram},
    {".vmsn", FileType::snapshot},
    {".vmss", FileType::snapshot},
    {".iso", FileType::iso},
    {".flp", FileType::floppy},
}};

// How the files end that hold a disk's data or belong to it otherwise.
constexpr std::array<std::string_view, 6> kDataEndings{
    "-flat.raw", "-flat.qcow2", "-flat.vmdk", "-delta.vmdk", "-sesparse.vmdk", "-ctk.vmdk"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

FileType type_of_query(const vim::FileQuery& query) {
    if (query.is<vim::FolderFileQuery>()) return FileType::folder;
    if (query.is<vim::VmDiskFileQuery>()) return FileType::disk;
    if (query.is<vim::TemplateConfigFileQuery>()) return FileType::template_config;
    if (query.is<vim::VmConfigFileQuery>()) return FileType::config;
    if (query.is<vim::VmLogFileQuery>()) return FileType::log;
    if (query.is<vim::VmNvramFileQuery>()) return FileType::nvram;
    if (query.is<vim::VmSnapshotFileQuery>()) return FileType::snapshot;
    if (query.is<vim::IsoImageFileQuery>()) return FileType::iso;
    if (query.is<vim::FloppyImageFileQuery>()) return FileType::floppy;
    return FileType::plain;
}

std::vector<std::string> texts(const vim::ArrayView<std::string_view>& list) {
    return {list.begin(), list.end()};
}

void read_disk_query(const vim::VmDiskFileQuery& disk, FileSearch::Query& query) {
    if (const auto filter = disk.filter()) {
        query.disk_types = texts(filter.diskType());
        query.controller_types = texts(filter.controllerType());
        query.hardware_versions = filter.matchHardwareVersion().to_vector();
        query.thin = filter.thin();
    }
    if (const auto details = disk.details()) {
        query.disk_type = details.diskType();
        query.capacity = details.capacityKb();
        query.hardware_version = details.hardwareVersion();
        query.controller_type = details.controllerType().value_or(false);
        query.extents = details.diskExtents().value_or(false);
        query.provisioning = details.thin().value_or(false);
    }
}

void read_config_query(const vim::VmConfigFileQuery& config, FileSearch::Query& query) {
    if (const auto filter = config.filter()) {
        query.config_versions = filter.matchConfigVersion().to_vector();
    }
    if (const auto details = config.details()) query.config_version = details.configVersion();
}

FileSearch::Query read_query(const vim::FileQuery& given) {
    FileSearch::Query query;
    query.type = type_of_query(given);
    if (const auto disk = given.as<vim::VmDiskFileQuery>()) read_disk_query(disk, query);
    if (const auto config = given.as<vim::VmConfigFileQuery>()) read_config_query(config, query);
    return query;
}

}  // namespace

FileType type_of(std::string_view name, bool is_directory) {
    if (is_directory) return FileType::folder;
    if (descriptor_of_data(name)) return FileType::plain;
    const std::string low = vmx::lower_case(name);
    for (const auto& [extension, type] : kExtensions) {
        if (low.ends_with(extension)) return type;
    }
    return FileType::plain;
}

vim::TypeId info_type_of(FileType type) {
    using enum FileType;
    switch (type) {
        case folder:
            return vim::TypeId::FolderFileInfo;
        case disk:
            return vim::TypeId::VmDiskFileInfo;
        case config:
            return vim::TypeId::VmConfigFileInfo;
        case template_config:
            return vim::TypeId::TemplateConfigFileInfo;
        case log:
            return vim::TypeId::VmLogFileInfo;
        case nvram:
            return vim::TypeId::VmNvramFileInfo;
        case snapshot:
            return vim::TypeId::VmSnapshotFileInfo;
        case iso:
            return vim::TypeId::IsoImageFileInfo;
        case floppy:
            return vim::TypeId::FloppyImageFileInfo;
        case plain:
            break;
    }
    return vim::TypeId::FileInfo;
}

std::optional<std::string> descriptor_of_data(std::string_view name) {
    const std::string low = vmx::lower_case(name);
    for (const std::string_view ending : kDataEndings) {
        if (low.size() > ending.size() && low.ends_with(ending)) {
            return std::string(name.substr(0, name.size() - ending.size())) + ".vmdk";
        }
    }
    return std::nullopt;
}

// Goes back to the last star alone, so the time is bounded by the product of the lengths.
bool matches_pattern(std::string_view name, std::string_view pattern, bool ignore_case) {
    const auto same = [&](char a, char b) {
        return b == '?' || (ignore_case ? lower(a) == lower(b) : a == b);
    };
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    std::size_t star = pattern.npos;
    std::size_t star_at = 0;
    while (at < name.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            star_at = at;
        } else if (in_pattern < pattern.size() && same(name[at], pattern[in_pattern])) {
            ++at;
            ++in_pattern;
        } else if (star != pattern.npos) {
            in_pattern = star + 1;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
    return in_pattern == pattern.size();
}

bool FileSearch::Query::reads_content() const {
    return disk_type || capacity || hardware_version || controller_type || extents ||
           provisioning || config_version || thin || !disk_types.empty() ||
           !controller_types.empty() || !hardware_versions.empty() || !config_versions.empty();
}

FileSearch FileSearch::from(const vim::HostDatastoreBrowserSearchSpec& spec) {
    FileSearch search;
    if (spec.query().size() > kMostQueries) {
        throw vim::invalid_argument("searchSpec.query", "There are more than 64 queries.");
    }
    if (spec.matchPattern().size() > kMostPatterns) {
        throw vim::invalid_argument("searchSpec.matchPattern", "There are more than 256 patterns.");
    }
    for (const auto& query : spec.query()) search.queries.push_back(read_query(query));
    // Who names types is told them.
    search.with_type = !search.queries.empty();
    if (search.queries.empty()) search.queries.emplace_back();
    for (const auto pattern : spec.matchPattern()) {
        if (pattern.size() > storage::DatastorePath::kMaxRelativeBytes) {
            throw vim::invalid_argument("searchSpec.matchPattern",
                                        "A pattern is longer than 1024 bytes.");
        }
        search.patterns.emplace_back(pattern);
    }
    search.ignore_case = spec.searchCaseInsensitive().value_or(false);
    search.folders_first = spec.sortFoldersFirst().value_or(false);
    if (const auto details = spec.details()) {
        search.with_type = search.with_type || details.fileType();
        search.with_size = details.fileSize();
        search.with_modification = details.modification();
        search.with_owner = details.fileOwner();
    }
    return search;
}

bool FileSearch::matches_name(std::string_view name) const {
    return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
               return matches_pattern(name, pattern, ignore_case);
           });
}

const FileSearch::Query* FileSearch::find(FileType type) const {
    const Query* any = nullptr;
    for (const Query& query : queries) {
        if (query.type == type) return &query;
        if (query.type == FileType::plain) any = &query;
    }
    return any;
}

bool FileSearch::wants_disk_data() const {
    return std::ranges::any_of(patterns, [](const std::string& pattern) {
        return descriptor_of_data(pattern).has_value();
    });
}

}  // namespace drover::host::files
