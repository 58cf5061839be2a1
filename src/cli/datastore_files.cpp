#include "cli/datastore_files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::cli {
namespace {

vim::HostDatastoreBrowserSearchSpec search_spec(const std::vector<std::string>& patterns,
                                                bool disk_details) {
    auto details = vim::FileQueryFlags::make();
    details.set_fileType(true);
    details.set_fileSize(true);
    details.set_modification(true);
    details.set_fileOwner(false);
    auto spec = vim::HostDatastoreBrowserSearchSpec::make();
    spec.set_details(details);
    spec.set_sortFoldersFirst(true);
    if (!patterns.empty()) {
        spec.set_matchPattern(std::vector<std::string_view>(patterns.begin(), patterns.end()));
    }
    if (disk_details) {
        auto flags = vim::VmDiskFileQueryFlags::make();
        flags.set_diskType(false);
        flags.set_capacityKb(true);
        flags.set_hardwareVersion(false);
        auto query = vim::VmDiskFileQuery::make();
        query.set_details(flags);
        spec.set_query({vim::FileQuery(query.raw())});
    }
    return spec;
}

}  // namespace

std::vector<vim::FileInfo> list_directory(client::Connection& connection,
                                          const client::Named& datastore, const std::string& path,
                                          const std::vector<std::string>& patterns,
                                          bool disk_details) {
    const auto browser =
        client::retrieve_object(connection, datastore.reference, {"browser"}).reference("browser");
    if (!browser) {
        throw client::LookupError(
            fmt::format("the files of the datastore \"{}\" can't be listed", datastore.name));
    }
    auto request = vim::SearchDatastore_TaskRequest::make();
    request.set_datastorePath(DatastorePath{datastore.name, path}.to_string());
    request.set_searchSpec(search_spec(patterns, disk_details));
    const auto done = client::wait_for_task(
        connection, connection.start("SearchDatastore_Task", *browser, request));
    const vim::Value result = done.result();
    if (result.kind() != vim::ValueKind::object ||
        !vim::is_a(result.type(), vim::TypeId::HostDatastoreBrowserSearchResults)) {
        throw client::ConnectionError("the server's search gave no result");
    }
    return vim::HostDatastoreBrowserSearchResults(result).file().to_vector();
}

DiskFile find_disk(client::Connection& connection, const DatastorePath& file) {
    const auto datastore = client::find(connection, vim::TypeId::Datastore, file.datastore);
    const auto slash = file.path.rfind('/');
    const std::string directory = slash == std::string::npos ? "" : file.path.substr(0, slash);
    const std::string name = slash == std::string::npos ? file.path : file.path.substr(slash + 1);
    for (const auto& each : list_directory(connection, datastore, directory, {name}, true)) {
        if (each.path() != name) continue;
        const auto disk = each.as<vim::VmDiskFileInfo>();
        const std::int64_t kilobytes = disk ? disk.capacityKb().value_or(0) : 0;
        return {file, std::clamp<std::int64_t>(kilobytes, 0, std::int64_t{1} << 50) * 1024};
    }
    throw client::LookupError(fmt::format("there is no disk \"{}\"", file.to_string()));
}

}  // namespace drover::cli
