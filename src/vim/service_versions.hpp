#pragma once

#include <string>

namespace drover::vim {

/// The text of vimServiceVersions.xml, from which clients choose the release they speak: the newest
/// served release, and all older ones as its predecessors.
std::string service_versions_xml();

}  // namespace drover::vim
