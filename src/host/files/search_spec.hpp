#pragma once

// What a search of a datastore asks for, read once from the request and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vim/types.hpp"

namespace drover::host::files {

/// Kinds of files, as the interface tells them apart: by their names.
enum class FileType {
    plain,
    folder,
    disk,
    config,
    template_config,
    log,
    nvram,
    snapshot,
    iso,
    floppy
};

FileType type_of(std::string_view name, bool is_directory);

/// The file type's FileInfo class.
vim::TypeId info_type_of(FileType type);

/// True if `name` is the data of a disk that has its own descriptor; gives the descriptor's name.
std::optional<std::string> descriptor_of_data(std::string_view name);

/// "*" stands for any characters, "?" for one (a byte of UTF-8 counts as one).
bool matches_pattern(std::string_view name, std::string_view pattern, bool ignore_case);

struct FileSearch {
    static constexpr std::size_t kMostPatterns = 256;
    static constexpr std::size_t kMostQueries = 64;

    struct Query {
        FileType type = FileType::plain;  ///< plain: files of any type
        // Filters; empty ones let everything pass.
        std::vector<std::string> disk_types;
        std::vector<std::string> controller_types;
        std::vector<std::int32_t> hardware_versions;
        std::optional<bool> thin;
        std::vector<std::int32_t> config_versions;
        // Details.
        bool disk_type = false;
        bool capacity = false;
        bool hardware_version = false;
        bool controller_type = false;
        bool extents = false;
        bool provisioning = false;
        bool config_version = false;

        bool reads_content() const;
    };

    /// InvalidArgument names the field that is wrong or too long.
    static FileSearch from(const vim::HostDatastoreBrowserSearchSpec& spec);

    bool matches_name(std::string_view name) const;
    /// The query that a file of this type comes under; null if there are queries and none fits.
    const Query* find(FileType type) const;
    /// True if a pattern asks for disks' data by name.
    bool wants_disk_data() const;

    std::vector<Query> queries;  ///< never empty: one for everything if the request has none
    std::vector<std::string> patterns;
    bool ignore_case = false;
    bool folders_first = false;
    bool with_type = false;
    bool with_size = false;
    bool with_modification = false;
    bool with_owner = false;
};

}  // namespace drover::host::files
