#pragma once

namespace drover::base {

/// How many processors this process may use: fewer than the computer has where it is confined to
/// some (taskset, CPUAffinity=). At least 1.
unsigned available_processors();

}  // namespace drover::base
