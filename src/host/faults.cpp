#include "host/faults.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/log.hpp"
#include "hypervisor/hypervisor_error.hpp"
#include "storage/storage_error.hpp"
#include "store/store.hpp"
#include "task/runtime.hpp"
#include "vim/compatibility_types.hpp"

namespace drover::host {

using vim::Fault;
using vim::make_fault;

namespace {

// "shared" of "[shared] a/b".
std::string datastore_name(const std::string& path) {
    return path.starts_with("[") ? path.substr(1, path.find(']') - 1) : path;
}

template <class T>
Fault file_fault(const storage::StorageError& error) {
    auto fault = T::make();
    fault.set_file(error.path());
    return Fault(fault, error.what());
}

// Without a size it is another limit that was met: of a listing, or of what may be read at once.
Fault too_large(const storage::StorageError& error) {
    if (!error.size_bytes()) return file_fault<vim::CannotAccessFile>(error);
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    auto fault = vim::FileTooLarge::make();
    fault.set_file(error.path());
    fault.set_datastore(datastore_name(error.path()));
    fault.set_fileSize(static_cast<std::int64_t>(std::min(*error.size_bytes(), kMost)));
    fault.set_maxFileSize(static_cast<std::int64_t>(std::min(error.most_bytes(), kMost)));
    return Fault(fault, error.what());
}

Fault from_storage(const storage::StorageError& error) {
    using enum storage::StorageErrorKind;
    switch (error.kind()) {
        case not_found:
        case not_a_directory:  // what was asked for is not there; clients look for a file then
            return file_fault<vim::FileNotFound>(error);
        case already_exists:
            return file_fault<vim::FileAlreadyExists>(error);
        case no_space: {
            auto fault = vim::NoDiskSpace::make();
            fault.set_file(error.path());
            fault.set_datastore(datastore_name(error.path()));
            return Fault(fault, error.what());
        }
        case inaccessible: {
            auto fault = vim::InaccessibleDatastore::make();
            fault.set_name(datastore_name(error.path()));
            return Fault(fault, error.what());
        }
        case directory_not_empty:
            return file_fault<vim::DirectoryNotEmpty>(error);
        case invalid_path: {
            auto fault = vim::InvalidDatastorePath::make();
            fault.set_datastorePath(error.path());
            return Fault(fault, error.what());
        }
        case locked:
            return file_fault<vim::FileLocked>(error);
        case cancelled:
            return make_fault<vim::RequestCanceled>(error.what());
        case file_too_large:
            return too_large(error);
        case unsupported:
            return make_fault<vim::NotSupported>(error.what());
        case is_a_directory:
        case corrupt:
        case io_error:
            break;
    }
    return file_fault<vim::CannotAccessFile>(error);
}

Fault from_hypervisor(const hypervisor::HypervisorError& error) {
    using enum hypervisor::ErrorKind;
    switch (error.kind()) {
        case not_found:
        case already_running:
        case invalid_state:
            return make_fault<vim::InvalidState>(error.what());
        case invalid_spec:
        case unsupported:
            return make_fault<vim::GenericVmConfigFault>(error.what());
        case timed_out:
            return make_fault<vim::Timedout>(error.what());
        case unavailable:
            return make_fault<vim::HostNotConnected>(error.what());
        case agent_unavailable:
            return make_fault<vim::ToolsUnavailable>(error.what());
        case no_space:
            return make_fault<vim::NoDiskSpace>(error.what());
        case permission:
            return make_fault<vim::CannotAccessFile>(error.what());
        case insufficient_memory:
            return make_fault<vim::InsufficientMemoryResourcesFault>(error.what());
        case device_in_use:
            return make_fault<vim::FileLocked>(error.what());
        case missing_file:
            return make_fault<vim::FileNotFound>(error.what());
        case cancelled:
            return make_fault<vim::RequestCanceled>(error.what());
        case stalled:
            return make_fault<vim::Timedout>(error.what());
        case incompatible_cpu:
            return make_fault<vim::FeatureRequirementsNotMet>(error.what());
        case peer_unreachable:
        case outcome_unknown:
            return make_fault<vim::HostNotConnected>(error.what());
        case peer_untrusted:
        case post_copy_failed:
        case internal:
            break;
    }
    return make_fault<vim::SystemError>(error.what());
}

}  // namespace

Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const Fault& fault) {
        return fault;
    } catch (const storage::StorageError& failure) {
        return from_storage(failure);
    } catch (const hypervisor::HypervisorError& failure) {
        return from_hypervisor(failure);
    } catch (const task::BlockingTimeout& failure) {
        return make_fault<vim::Timedout>(failure.what());
    } catch (const store::StoreError& failure) {
        base::log_error("store: {}", failure.what());
        return make_fault<vim::SystemError>(std::string("The host's own store: ") + failure.what());
    } catch (const std::exception& failure) {
        base::log_error("unexpected: {}", failure.what());
        return make_fault<vim::SystemError>(std::string("A general system error occurred: ") +
                                            failure.what());
    }
}

}  // namespace drover::host
