#pragma once

#include "model/search_index.hpp"
#include "model/views.hpp"
#include "service/readers.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Serves ViewManager and the views. All arguments must outlive the dispatcher.
void serve_views(task::Dispatcher& dispatcher, model::Views& views, Readers readers);

/// Serves SearchIndex. All arguments must outlive the dispatcher.
void serve_search_index(task::Dispatcher& dispatcher, const model::SearchIndex& index,
                        Readers readers);

}  // namespace drover::service
