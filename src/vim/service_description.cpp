#include "vim/service_description.hpp"

#include <algorithm>
#include <span>

namespace drover::vim {
namespace tables {

// service_description_data.cpp, which is generated
extern const DescriptionFile kDescriptionFiles[];
extern const std::size_t kDescriptionFileCount;

}  // namespace tables

const DescriptionFile* find_description_file(std::string_view name) {
    const std::span files{tables::kDescriptionFiles, tables::kDescriptionFileCount};
    const auto found = std::ranges::find(files, name, &DescriptionFile::name);
    return found == files.end() ? nullptr : &*found;
}

}  // namespace drover::vim
