#pragma once

// Opening files below a directory such that no symbolic link and no ".." leads out of it, whatever
// others do to the tree meanwhile.

#include <sys/types.h>

#include <string>

#include "base/file.hpp"

namespace drover::storage::directory {

/// Opens `relative` ("a/b"; "" is the directory itself) below `root`. Always close-on-exec, never
/// a controlling terminal, never blocking on a FIFO. -1 and errno: ELOOP for a symbolic link
/// anywhere in the path, EXDEV if the path would leave.
base::FileDescriptor open_beneath(int root, const std::string& relative, int flags,
                                  mode_t mode = 0);

/// The same without openat2(), one component after the other: for old kernels and seccomp filters.
base::FileDescriptor open_by_components(int root, const std::string& relative, int flags,
                                        mode_t mode = 0);

}  // namespace drover::storage::directory
