#pragma once

// Builds the answers' data objects from prepared parts; any thread. Private to this directory.

#include <string_view>
#include <vector>

#include "model/inventory.hpp"
#include "model/selection.hpp"
#include "vim/types.hpp"

namespace drover::model {

Value make_property(const Value& name, Value value);
/// Empty lists are left out.
Value make_object_content(const Value& reference, std::vector<Value> properties,
                          std::vector<Value> missing);
/// Without a token if that is empty.
Value make_retrieve_result(Value contents, std::string_view token);

Value make_change(const Value& name, vim::PropertyChangeOp op, const Value& value);
/// Lists that are empty are left out.
Value make_update(vim::ObjectUpdateKind kind, const Value& reference, std::vector<Value> changes,
                  std::vector<Value> missing);
Value make_filter_update(const MoRef& filter, std::vector<Value> updates,
                         std::vector<Value> missing);
vim::MissingProperty make_missing(const MoRef& object, const TypePlan& plan,
                                  const SelectedPath& path);

}  // namespace drover::model
