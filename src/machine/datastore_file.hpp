#pragma once

// File names in the two forms that a machine has for them: "[datastore] directory/file" in the
// API, and relative or "/vmfs/volumes/<volume>/..." in the .vmx file. Text only: whether a file
// exists, and what links lead where, is the business of whoever opens it.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "vim/value.hpp"

namespace drover::machine {

/// A file or directory on a datastore. Without a datastore name ("[] /usr/lib/tools.iso") it lies
/// outside of all datastores; such a name is shown and kept, and nobody opens it.
struct DatastoreFile {
    std::string datastore;
    std::string relative;  ///< "directory/file"; empty for the datastore's root

    /// Reads "[name] directory/file". Nothing if it has not that form, or the path could lead out
    /// of the datastore (absolute, "..", empty parts, control characters).
    static std::optional<DatastoreFile> parse(std::string_view text);

    bool outside() const { return datastore.empty(); }
    std::string to_string() const;
    std::string_view file_name() const;
    DatastoreFile directory() const;
    /// A file in this directory; `name` is a plain name.
    DatastoreFile child(std::string_view name) const;

    friend auto operator<=>(const DatastoreFile&, const DatastoreFile&) = default;
};

/// What the host knows of a datastore that it has mounted.
struct DatastoreFacts {
    std::string url;       ///< "ds:///vmfs/volumes/<volume>/"
    std::string volume;    ///< the name under /vmfs/volumes besides the datastore's own name
    vim::MoRef reference;  ///< of the Datastore object
};

/// By the datastore's name.
using Datastores = std::map<std::string, DatastoreFacts, std::less<>>;

/// What a file name in a .vmx file of `directory` means, as the API shows it. A name that leads to
/// none of `datastores` comes out as "[] name".
std::string file_from_vmx(std::string_view name, const DatastoreFile& directory,
                          const Datastores& datastores);

/// How a .vmx file of `directory` refers to a file that the API names so.
std::string file_to_vmx(std::string_view file, const DatastoreFile& directory);

}  // namespace drover::machine
