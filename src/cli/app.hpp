#pragma once

namespace drover::cli {

/// The whole command line tool; the exit code (see ExitCode).
int run(int count, char** arguments);

}  // namespace drover::cli
