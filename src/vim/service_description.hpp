#pragma once

// What SOAP libraries fetch before they talk: the WSDL and XML Schema files of the interface, made
// by api/generator from the same description as the tables and kept compressed.

#include <cstddef>
#include <string_view>

namespace drover::vim {

/// One file, as clients ask for it by name below /sdk. Constant; any thread.
struct DescriptionFile {
    std::string_view name;  ///< "vimService.wsdl"
    std::string_view etag;  ///< with its quotes; changes with the content
    std::size_t size_bytes;
    std::string_view gzip;  ///< the content, compressed
};

/// nullptr if there is no file of this name.
const DescriptionFile* find_description_file(std::string_view name);

}  // namespace drover::vim
