#include "cli/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.hpp"
#include "cli/arguments.hpp"

namespace drover::cli {
namespace {

constexpr std::size_t kMaxLineBytes = 4096;

std::string read_line(int descriptor) {
    std::string line;
    char byte = 0;
    while (line.size() < kMaxLineBytes && ::read(descriptor, &byte, 1) == 1 && byte != '\n') {
        line += byte;
    }
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

void write_text(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

base::FileDescriptor open_terminal() {
    base::FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (!terminal) {
        throw UsageError("there is no terminal to ask at; see --help for the flag that answers");
    }
    return terminal;
}

// No echo while it lives.
class Silence {
public:
    explicit Silence(int descriptor) : descriptor_(descriptor) {
        changed_ = ::tcgetattr(descriptor, &before_) == 0;
        if (!changed_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        ::tcsetattr(descriptor, TCSAFLUSH, &quiet);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        if (changed_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    }

private:
    int descriptor_;
    termios before_{};
    bool changed_ = false;
};

}  // namespace

bool input_is_terminal() {
    return ::isatty(STDIN_FILENO) == 1;
}
bool output_is_terminal() {
    return ::isatty(STDOUT_FILENO) == 1;
}
bool error_is_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

std::size_t output_width() {
    if (!output_is_terminal()) return 0;
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

std::string ask_secret(std::string_view prompt) {
    const auto terminal = open_terminal();
    write_text(terminal.get(), prompt);
    const Silence silence(terminal.get());
    return read_line(terminal.get());
}

std::string ask_line(std::string_view prompt) {
    const auto terminal = open_terminal();
    write_text(terminal.get(), prompt);
    return read_line(terminal.get());
}

bool ask_yes(std::string_view question) {
    const std::string answer = ask_line(std::string(question) + " [y/N] ");
    return !answer.empty() && (answer.front() == 'y' || answer.front() == 'Y');
}

std::string first_line_of_input() {
    return read_line(STDIN_FILENO);
}

}  // namespace drover::cli
