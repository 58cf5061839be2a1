#pragma once

namespace drover::had {

/// Keeps this process in memory and before others: a deadline waits for no swap. Where the kernel
/// refuses a real-time class, a high priority has to do. Logs what it could not have.
void become_prompt();

}  // namespace drover::had
