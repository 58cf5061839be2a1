#include "client/datastore_file.hpp"

#include <fmt/format.h>

#include "client/find.hpp"
#include "client/retrieve.hpp"

namespace drover::client {
namespace {

constexpr std::size_t kMostErrorBytes = 4096;
constexpr int kMostParents = 64;
// An upload is answered when all of it is on the disk.
constexpr std::chrono::minutes kUploadLimit{30};

std::string percent_encoded(std::string_view text, std::string_view also_plain) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char c : text) {
        if (kPlain.contains(c) || also_plain.contains(c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

// A center needs to know in which datacenter the datastore is: its path from the root folder, as
// the "dcPath" of a request.
std::string datacenter_path(Connection& connection, const vim::MoRef& datastore) {
    const auto datacenter = datacenter_of(connection, datastore);
    if (!datacenter) throw LookupError(fmt::format("{} is in no datacenter", datastore.id));
    const std::string path = inventory_path(connection, *datacenter);
    return path.substr(path.find_first_not_of('/'));
}

WireRequest request_for(Connection& connection, const std::string& method,
                        const DatastoreFile& file) {
    WireRequest request;
    request.method = method;
    request.target = fmt::format("/folder/{}?dcPath={}&dsName={}", percent_encoded(file.path, "/"),
                                 percent_encoded(datacenter_path(connection, file.datastore), ""),
                                 percent_encoded(file.datastore_name, ""));
    return request;
}

template <class FileFault>
[[noreturn]] void throw_about(const std::string& file, std::string_view reason) {
    auto fault = FileFault::make();
    fault.set_file(file);
    throw vim::Fault(fault, fmt::format("{}: {}", file, reason));
}

[[noreturn]] void refuse(const DatastoreFile& file, int status, const std::string& body) {
    const std::string name = fmt::format("[{}] {}", file.datastore_name, file.path);
    if (status == 401) {
        throw vim::make_fault<vim::NotAuthenticated>("The session is not authenticated.");
    }
    if (status == 403) {
        throw vim::make_fault<vim::NoPermission>(fmt::format("{}: not permitted", name));
    }
    if (status == 404) throw_about<vim::FileNotFound>(name, "there is no such file");
    if (status == 507) throw_about<vim::NoDiskSpace>(name, "the datastore is full");
    const std::string reason = body.substr(0, body.find('\n'));
    const bool is_text = !reason.empty() && !reason.contains('<');
    throw_about<vim::CannotAccessFile>(name,
                                       is_text ? reason : fmt::format("HTTP status {}", status));
}

}  // namespace

std::optional<vim::MoRef> datacenter_of(Connection& connection, vim::MoRef object) {
    for (int i = 0; i < kMostParents; ++i) {
        if (vim::is_a(object.type, vim::TypeId::Datacenter)) return object;
        const auto parent = retrieve_object(connection, object, {"parent"}).reference("parent");
        if (!parent) break;
        object = *parent;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> file_size(Connection& connection, const DatastoreFile& file) {
    const auto response = connection.send(request_for(connection, "HEAD", file));
    if (response.status == 404) return std::nullopt;
    if (response.status != 200) refuse(file, response.status, {});
    return response.content_length;
}

void download(Connection& connection, const DatastoreFile& file,
              std::function<void(std::string_view)> sink) {
    // An error page must not end up in the file, but its status comes with its last piece.
    if (!file_size(connection, file)) refuse(file, 404, {});
    auto request = request_for(connection, "GET", file);
    request.sink = std::move(sink);
    const auto response = connection.send(std::move(request));
    if (response.status != 200) refuse(file, response.status, {});
}

void upload(Connection& connection, const DatastoreFile& file, Upload contents) {
    auto request = request_for(connection, "PUT", file);
    request.headers.emplace_back("Content-Type", "application/octet-stream");
    request.upload = std::move(contents);
    request.response_timeout = kUploadLimit;
    const auto response = connection.send(std::move(request));
    if (response.status < 200 || response.status > 299) {
        refuse(file, response.status, response.body.substr(0, kMostErrorBytes));
    }
}

}  // namespace drover::client
