#include "host/files/browser.hpp"

#include <fmt/format.h>

#include <deque>

#include "base/log.hpp"
#include "host/files/file_task.hpp"
#include "host/files/place.hpp"
#include "host/files/search_folder.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host::files {

using storage::DatastorePath;
using storage::StorageError;
using storage::StorageErrorKind;
using task::Awaitable;
using task::Call;
using task::TaskBody;
using task::TaskContextPtr;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::HostDatastoreBrowser;

namespace {

// A folder of a hundred thousand disks on a slow medium.
constexpr std::chrono::minutes kFolderLimit{10};

Value supported_types() {
    std::vector<Value> types;
    for (const TypeId type :
         {TypeId::FolderFileQuery, TypeId::VmConfigFileQuery, TypeId::TemplateConfigFileQuery,
          TypeId::VmDiskFileQuery, TypeId::VmSnapshotFileQuery, TypeId::VmLogFileQuery,
          TypeId::VmNvramFileQuery, TypeId::IsoImageFileQuery, TypeId::FloppyImageFileQuery}) {
        types.push_back(vim::make_object(type));
    }
    return Value::array(TypeId::FileQuery, std::move(types));
}

// "[ds] directory/", and "[ds]" for the root.
std::string folder_path(const DatastorePath& folder) {
    return folder.is_root() ? folder.to_string() : folder.to_string() + "/";
}

Value make_results(const vim::MoRef& datastore, const DatastorePath& folder,
                   std::vector<Value> files) {
    auto results = vim::HostDatastoreBrowserSearchResults::make();
    results.set_datastore(datastore);
    results.set_folderPath(folder_path(folder));
    std::vector<vim::FileInfo> infos;
    infos.reserve(files.size());
    for (Value& file : files) infos.emplace_back(std::move(file));
    results.set_file(infos);
    return results.raw();
}

class BrowserService {
public:
    BrowserService(const HostContext& context, const InUse& in_use)
        : context_(context), in_use_(in_use) {}

    TaskBody search(const Call& call, std::string_view path,
                    const vim::HostDatastoreBrowserSearchSpec& spec, bool recursive) const {
        const Place place = find(call, path, kBrowse);
        const auto wanted = std::make_shared<const FileSearch>(FileSearch::from(spec));
        return [this, place, wanted, recursive](TaskContextPtr task) {
            return recursive ? search_below(place, wanted, task) : search_one(place, wanted, task);
        };
    }

    Awaitable<Value> remove(Call call) const {
        const auto request = call.arguments<vim::DeleteFileRequest>();
        // The call's own privilege, Datastore.DeleteFile, has been checked on the browser.
        const Place place = find(call, request.datastorePath(), kBrowse);
        require_below_root(place);
        in_use_.check_changeable(place.path);
        in_use_.check_childless(place.path);
        base::log_info("audit: '{}' deletes {}", call.caller->user, place.path.to_string());
        co_await run_long(context_, *place.entry,
                          [store = place.entry->store, path = place.path,
                           &clock = context_.runtime.clock(), host = context_.host_uuid] {
                              refuse_leased(*store, clock, path, host);
                              remove_file(*store, path);
                          });
        co_return Value{};
    }

    vim::MoRef datastore_of(std::string_view path) const {
        return find_place(context_, path).entry->ref;
    }

private:
    Place find(const Call& call, std::string_view path, std::string_view privilege) const {
        Place place = find_place(context_, *call.caller, path, privilege);
        if (call.self != references::datastore_browser && call.self != place.entry->browser) {
            auto fault = vim::InvalidDatastorePath::make();
            fault.set_datastorePath(path);
            fault.set_name(place.entry->name);
            throw vim::Fault(fault, fmt::format("This browser does not see '{}'.", path));
        }
        return place;
    }

    // A disk goes with its data; anything else is one file.
    static void remove_file(storage::Datastore& store, const DatastorePath& path) {
        if (type_of(path.file_name(), false) == FileType::disk) {
            try {
                store.volumes().delete_disk(path);
                return;
            } catch (const StorageError& error) {
                // No disk but in name (an upload that was broken off): just the file, then.
                if (error.kind() != StorageErrorKind::corrupt &&
                    error.kind() != StorageErrorKind::unsupported) {
                    throw;
                }
            }
        }
        if (store.blobs().stat(path).kind == storage::FileKind::directory) {
            throw StorageError(StorageErrorKind::is_a_directory, path.to_string(),
                               "is a directory");
        }
        store.blobs().remove(path);
    }

    Awaitable<FolderContent> look(Place place, DatastorePath folder,
                                  std::shared_ptr<const FileSearch> wanted,
                                  std::stop_token stop) const {
        return context_.runtime.blocking(
            "searches:" + place.entry->name,
            [store = place.entry->store, folder = std::move(folder), wanted = std::move(wanted),
             stop = std::move(stop)] { return search_folder(*store, folder, *wanted, stop); },
            kFolderLimit);
    }

    Awaitable<Value> search_one(Place place, std::shared_ptr<const FileSearch> wanted,
                                TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        FolderContent content = co_await look(place, place.path, wanted, watch.stop());
        co_return make_results(place.entry->ref, place.path, std::move(content.files));
    }

    Awaitable<Value> search_below(Place place, std::shared_ptr<const FileSearch> wanted,
                                  TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        std::vector<Value> results;
        std::deque<DatastorePath> open{place.path};
        std::size_t found = 0;
        while (!open.empty()) {
            const DatastorePath folder = open.front();
            open.pop_front();
            FolderContent content;
            try {
                content = co_await look(place, folder, wanted, watch.stop());
            } catch (const StorageError& error) {
                // A folder that was there a moment ago may be gone now; the one asked for must not.
                const bool is_gone = error.kind() == StorageErrorKind::not_found;
                if (!is_gone || folder == place.path) throw;
                continue;
            }
            found += content.files.size();
            for (const std::string& name : content.subfolders) {
                if (auto path = folder.child(name)) open.push_back(*std::move(path));
            }
            if (found > kMostFound || results.size() + open.size() > kMostFolders) {
                throw StorageError(StorageErrorKind::file_too_large, place.path.to_string(),
                                   "more was found than a search can give; search below it");
            }
            results.push_back(make_results(place.entry->ref, folder, std::move(content.files)));
        }
        co_return Value::array(TypeId::HostDatastoreBrowserSearchResults, std::move(results));
    }

    const HostContext& context_;
    const InUse in_use_;
};

void create_objects(const HostContext& context) {
    const auto& self = references::datastore_browser;
    std::vector<Value> datastores;
    model::Transaction transaction(context.inventory);
    for (const auto& entry : context.datastores.all()) {
        datastores.push_back(Value::moref(entry->ref));
        transaction.set(entry->browser, property::supportedType, supported_types());
    }
    transaction.create(self.type, self.id);
    transaction.set(self, property::datastore,
                    Value::array(TypeId::Datastore, std::move(datastores)));
    transaction.set(self, property::supportedType, supported_types());
    transaction.commit();
}

}  // namespace

void serve_browsers(const HostContext& context, const InUse& in_use) {
    create_objects(context);
    const auto service = std::make_shared<const BrowserService>(context, in_use);
    add_task_method(
        context, "SearchDatastore_Task", "host.DatastoreBrowser.search",
        [service](const Call& call) {
            const auto request = call.arguments<vim::SearchDatastore_TaskRequest>();
            return service->datastore_of(request.datastorePath());
        },
        [service](const Call& call) {
            const auto request = call.arguments<vim::SearchDatastore_TaskRequest>();
            return service->search(call, request.datastorePath(), request.searchSpec(), false);
        });
    add_task_method(
        context, "SearchDatastoreSubFolders_Task", "host.DatastoreBrowser.searchSubFolders",
        [service](const Call& call) {
            const auto request = call.arguments<vim::SearchDatastoreSubFolders_TaskRequest>();
            return service->datastore_of(request.datastorePath());
        },
        [service](const Call& call) {
            const auto request = call.arguments<vim::SearchDatastoreSubFolders_TaskRequest>();
            return service->search(call, request.datastorePath(), request.searchSpec(), true);
        });
    context.dispatcher.add("DeleteFile",
                           [service](Call call) { return service->remove(std::move(call)); });
}

}  // namespace drover::host::files
