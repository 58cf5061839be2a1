#include "service/authorization/reader.hpp"

#include <algorithm>
#include <vector>

namespace drover::service {

bool AuthorizedReader::hides(const vim::Value& reference) const {
    if (reference.kind() != vim::ValueKind::moref) return false;
    const auto* object = authorization_.inventory().find(reference.moref_id());
    return object != nullptr && !model::is_visible(*object, *this);
}

vim::Value AuthorizedReader::visible(const vim::Value& list) const {
    if (holds_everything()) return list;
    const auto all = list.elements();
    const auto hidden = [this](const vim::Value& reference) { return hides(reference); };
    if (std::ranges::none_of(all, hidden)) return list;
    std::vector<vim::Value> shown;
    std::ranges::remove_copy_if(all, std::back_inserter(shown), hidden);
    return vim::Value::array(list.type(), std::move(shown));
}

}  // namespace drover::service
