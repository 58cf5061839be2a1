#include "model/visible_references.hpp"

namespace drover::model {

vim::Value as_seen(const vim::Value& value, const Reader& reader) {
    if (value.kind() != vim::ValueKind::array || value.elements().empty() ||
        vim::describe(value.type()).kind != vim::TypeKind::managed) {
        return value;
    }
    const auto* filter = dynamic_cast<const ReferenceFilter*>(&reader);
    return filter != nullptr ? filter->visible(value) : value;
}

}  // namespace drover::model
