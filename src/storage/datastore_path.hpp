#pragma once

#include <compare>
#include <expected>
#include <string>
#include <string_view>

namespace drover::storage {

/// Names a file or directory on a datastore, as the API spells it: "[name] directory/file".
///
/// Every value is harmless by construction: no absolute path, no "." or "..", no empty part, no
/// NUL or control characters, valid UTF-8, bounded in length and depth. Symbolic links on the
/// datastore are the business of whoever opens the path.
class DatastorePath {
public:
    static constexpr std::size_t kMaxNameBytes = 80;   ///< of the datastore's name
    static constexpr std::size_t kMaxPartBytes = 255;  ///< of one file name
    static constexpr std::size_t kMaxRelativeBytes = 1024;
    static constexpr std::size_t kMaxDepth = 32;

    /// Reads "[name] directory/file"; "[name]" and "[name] " are the root. One slash at the end is
    /// accepted and dropped. The error says what is wrong.
    static std::expected<DatastorePath, std::string> parse(std::string_view text);
    /// From its two halves; an empty `relative` is the root.
    static std::expected<DatastorePath, std::string> make(std::string_view datastore,
                                                          std::string_view relative);

    const std::string& datastore() const { return datastore_; }
    /// "directory/file"; empty for the root.
    const std::string& relative() const { return relative_; }
    bool is_root() const { return relative_.empty(); }
    /// The last part; empty for the root.
    std::string file_name() const;
    /// The directory that it is in; the root's parent is the root.
    DatastorePath parent() const;
    /// A file or directory in this directory. `name` may have several parts.
    std::expected<DatastorePath, std::string> child(std::string_view name) const;
    /// What a path found in a file of this directory means: relative, may step up with "..", but
    /// not out of the datastore.
    std::expected<DatastorePath, std::string> resolve(std::string_view reference) const;
    /// How a file in this directory refers to `target` on the same datastore: "../base/base.vmdk".
    std::string reference_to(const DatastorePath& target) const;

    /// "[name] directory/file"
    std::string to_string() const;

    friend auto operator<=>(const DatastorePath&, const DatastorePath&) = default;

private:
    std::string datastore_;
    std::string relative_;
};

}  // namespace drover::storage
