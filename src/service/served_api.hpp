#pragma once

#include <functional>
#include <string>

#include "model/inventory.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// What an endpoint serves, one line each, sorted: "method <wire name>" and, for whatever an object
/// of the inventory has, "property <type> <name>". docs/reference/*api.md are made of it. On the
/// strand.
/// Methods that `is_left_out` names are.
std::string served_api(const task::Dispatcher& dispatcher, const model::Inventory& inventory,
                       const std::function<bool(const vim::MethodDescriptor&)>& is_left_out = {});

}  // namespace drover::service
