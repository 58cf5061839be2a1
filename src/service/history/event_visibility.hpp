#pragma once

#include "model/inventory.hpp"
#include "vim/history_types.hpp"

namespace drover::service {

/// Whether a reader may know of an event: if it may read the object that the event is about. That
/// is the most special one that it names and that is still there: a machine before its host, a host
/// before its datacenter. What is about nothing (any more) is for who may read `root`. On the
/// strand.
bool may_see(const vim::Event& event, const model::Inventory& inventory,
             const model::Reader& reader, const vim::MoRef& root);

/// The same of a task: it is about its entity.
bool may_see(const vim::TaskInfo& task, const model::Inventory& inventory,
             const model::Reader& reader, const vim::MoRef& root);

}  // namespace drover::service
