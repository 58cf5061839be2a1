#include "service/header_list.hpp"

#include <algorithm>

namespace drover::service {

bool header_lists(std::string_view header, std::string_view wanted) {
    while (!header.empty()) {
        const auto end = std::min(header.find(','), header.size());
        std::string_view item = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
        const std::string_view name = item.substr(0, item.find_first_of("; \t"));
        const auto weight = item.find("q=0");
        const bool refused = weight != std::string_view::npos &&
                             item.find_first_of("123456789", weight) == std::string_view::npos;
        if ((name == wanted || name == "*") && !refused) return true;
    }
    return false;
}

}  // namespace drover::service
