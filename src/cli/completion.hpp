#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace drover::cli {

class Context;

/// What the last of `words` (which may be empty) can become: commands, options, or names of objects
/// of the server that the context is logged in to. `words` is the command line without its program.
/// Never throws: where nothing can be said, nothing is offered.
std::vector<std::string> completions(CLI::App& app, Context& context,
                                     const std::vector<std::string>& words);

}  // namespace drover::cli
