#pragma once

#include <string_view>

namespace drover::service {

/// The host's option that says what high availability protects there. The center sets it, the same
/// on every host of a cluster: JSON {"datastore": "<uuid>", "catalogue": {...}, "etcd": {...}}, the
/// latter two as src/had/README.md has them. "etcd" may be missing; its paths the host adds. Empty:
/// nothing is protected.
inline constexpr std::string_view kAvailabilityOption = "Drover.availability";

}  // namespace drover::service
