#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drover::cli {

/// Whether standard input, output, or error is a terminal.
bool input_is_terminal();
bool output_is_terminal();
bool error_is_terminal();

/// Columns to fit output to; 0 (no limit) if standard output is no terminal.
std::size_t output_width();

/// Asks on the terminal itself and reads a line without showing it. Throws UsageError if there is
/// no terminal.
std::string ask_secret(std::string_view prompt);
/// A line that may be shown.
std::string ask_line(std::string_view prompt);
/// True for an answer that begins with y.
bool ask_yes(std::string_view question);

/// The first line of standard input, at most 4 KiB, without its line break.
std::string first_line_of_input();

}  // namespace drover::cli
