#pragma once

#include "service/authorization/authorization.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Makes UserDirectory under this reference and serves RetrieveUserGroups: the host's own accounts
/// are its only domain, the empty one. Both arguments must outlive the service.
void serve_user_directory(task::Dispatcher& dispatcher, service::Authorization& authorization,
                          const vim::MoRef& directory);

}  // namespace drover::service
