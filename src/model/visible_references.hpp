#pragma once

#include "model/reader.hpp"
#include "vim/value.hpp"

namespace drover::model {

/// What a Reader is as well if objects may be hidden from it: lists of references (a folder's
/// children, a host's machines) leave those out. On the inventory's strand.
class ReferenceFilter {
public:
    virtual ~ReferenceFilter() = default;
    /// The list without what the reader may not see; the very same if it may see all of it.
    /// References to objects that are not there stay.
    virtual vim::Value visible(const vim::Value& list) const = 0;
};

/// A property's value as the reader may see it. Anything but a list of references is as it was.
vim::Value as_seen(const vim::Value& value, const Reader& reader);

}  // namespace drover::model
