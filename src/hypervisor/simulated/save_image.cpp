#include "hypervisor/simulated/save_image.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::simulated {
namespace {

constexpr std::string_view kHead = "drover simulated memory\n";
constexpr std::string_view kTail = "\nend\n";
constexpr std::uintmax_t kMostBytes = 1 << 20;

ErrorKind kind_of(int error) {
    switch (error) {
        case ENOENT:
            return ErrorKind::missing_file;
        case ENOSPC:
        case EDQUOT:
            return ErrorKind::no_space;
        case EACCES:
        case EPERM:
            return ErrorKind::permission;
        default:
            return ErrorKind::internal;
    }
}

[[noreturn]] void fail(const std::string& path, int error) {
    throw HypervisorError(kind_of(error), fmt::format("{}: {}", path, std::strerror(error)));
}

}  // namespace

void write_save_image(const std::string& path, const RunningDomain& domain) {
    errno = 0;
    std::ofstream out(path, std::ios::trunc | std::ios::binary);
    out << kHead << to_line(domain) << kTail;
    out.close();
    if (!out) fail(path, errno == 0 ? EIO : errno);
}

bool is_whole_save_image(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) fail(path, error.value());
    if (size > kMostBytes) return false;
    std::ifstream in(path, std::ios::binary);
    if (!in) fail(path, errno);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return text.starts_with(kHead) && text.ends_with(kTail);
}

}  // namespace drover::hypervisor::simulated
