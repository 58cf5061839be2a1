#pragma once

// Builds the answers' data objects from prepared parts. Private to this directory.

#include <vector>

#include "model/inventory.hpp"
#include "model/selection.hpp"
#include "vim/types.hpp"

namespace drover::model {

/// True if the reader may have the path's value on this object.
bool may_read(const SelectedPath& path, const ManagedObject& object, const Reader& reader);

/// The object with the properties of its plan: set ones in propSet, forbidden ones in missingSet.
vim::ObjectContent make_content(const ManagedObject& object, const TypePlan& plan,
                                const Reader& reader);

vim::PropertyChange make_change(const Value& name, vim::PropertyChangeOp op, const Value& value);
vim::MissingProperty make_missing(const ManagedObject& object, const SelectedPath& path);

}  // namespace drover::model
