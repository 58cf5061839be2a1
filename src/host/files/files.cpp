#include "host/files/files.hpp"

#include "host/files/browser.hpp"
#include "host/files/disk_service.hpp"
#include "host/files/file_service.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

void serve_files(const HostContext& context, const Machines& machines) {
    const files::InUse in_use([&machines] { return machines.all(); });
    files::serve_browsers(context, in_use);
    files::serve_file_manager(context, in_use);
    files::serve_disk_manager(context, in_use);
}

}  // namespace drover::host
