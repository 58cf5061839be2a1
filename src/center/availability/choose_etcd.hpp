#pragma once

#include <vector>

#include "center/availability/draft.hpp"

namespace drover::center {

/// Who runs etcd: of three hosts and more three, of seven and more five; of fewer none, since with
/// two the loss of either would take the majority along. Who is a member stays one while its host
/// and address stay: another list is another etcd. A member that is down is still one.
DraftEtcd choose_etcd(const std::vector<DraftHost>& hosts, const DraftEtcd& present);

}  // namespace drover::center
