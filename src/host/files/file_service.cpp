#include "host/files/file_service.hpp"

#include "base/log.hpp"
#include "host/files/file_task.hpp"
#include "host/files/file_tree.hpp"
#include "host/files/place.hpp"
#include "host/references.hpp"

namespace drover::host::files {

using storage::MakeDirectory;
using task::Awaitable;
using task::Call;
using task::TaskBody;
using task::TaskContextPtr;
using vim::Value;

namespace {

vim::MoRef datacenter(const Call&) {
    return references::datacenter;
}

class FileService {
public:
    FileService(const HostContext& context, const InUse& in_use)
        : context_(context), in_use_(in_use) {}

    Awaitable<Value> make_directory(Call call) const {
        const auto request = call.arguments<vim::MakeDirectoryRequest>();
        const Place place = find_place(context_, *call.caller, request.name(), kChangeFiles);
        require_below_root(place);
        const bool parents = request.createParentDirectories().value_or(false);
        co_await context_.datastores.run(
            *place.entry, [path = place.path, parents](storage::Datastore& store) {
                if (parents && !path.parent().is_root()) {
                    store.blobs().make_directory(path.parent(), MakeDirectory::with_parents);
                }
                store.blobs().make_directory(path, MakeDirectory::exclusive);
            });
        base::log_info("audit: '{}' made the directory {}", call.caller->user,
                       place.path.to_string());
        co_return Value{};
    }

    TaskBody remove(const Call& call) const {
        const auto request = call.arguments<vim::DeleteDatastoreFile_TaskRequest>();
        const Place place = find_place(context_, *call.caller, request.name(), kChangeFiles);
        require_below_root(place);
        in_use_.check_changeable(place.path);
        base::log_info("audit: '{}' removes {}", call.caller->user, place.path.to_string());
        return [this, place](TaskContextPtr) { return perform_remove(place); };
    }

    TaskBody copy(const Call& call) const {
        const auto request = call.arguments<vim::CopyDatastoreFile_TaskRequest>();
        const Place from = find_place(context_, *call.caller, request.sourceName(), kBrowse);
        const Place to =
            find_place(context_, *call.caller, request.destinationName(), kChangeFiles);
        const bool force = request.force().value_or(false);
        require_below_root(to);
        in_use_.check_readable(from.path);
        if (force) in_use_.check_changeable(to.path);
        base::log_info("audit: '{}' copies {} to {}", call.caller->user, from.path.to_string(),
                       to.path.to_string());
        return [this, from, to, force](TaskContextPtr task) {
            return perform_transfer(from, to, force, false, task);
        };
    }

    TaskBody move(const Call& call) const {
        const auto request = call.arguments<vim::MoveDatastoreFile_TaskRequest>();
        const Place from = find_place(context_, *call.caller, request.sourceName(), kChangeFiles);
        const Place to =
            find_place(context_, *call.caller, request.destinationName(), kChangeFiles);
        const bool force = request.force().value_or(false);
        require_below_root(from);
        require_below_root(to);
        in_use_.check_changeable(from.path);
        if (force) in_use_.check_changeable(to.path);
        base::log_info("audit: '{}' moves {} to {}", call.caller->user, from.path.to_string(),
                       to.path.to_string());
        return [this, from, to, force](TaskContextPtr task) {
            return perform_transfer(from, to, force, true, task);
        };
    }

private:
    Awaitable<Value> perform_remove(Place place) const {
        co_await run_long(context_, *place.entry,
                          [store = place.entry->store, path = place.path,
                           &clock = context_.runtime.clock(), host = context_.host_uuid] {
                              refuse_leased(*store, clock, path, host);
                              remove_files(*store, path);
                          });
        co_return Value{};
    }

    Awaitable<Value> perform_transfer(Place from, Place to, bool force, bool moves,
                                      TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        co_await run_long(context_, *from.entry,
                          [from_store = from.entry->store, to_store = to.entry->store,
                           from = from.path, to = to.path, force, moves, control = watch.control(),
                           &clock = context_.runtime.clock(), host = context_.host_uuid] {
                              if (moves) refuse_leased(*from_store, clock, from, host);
                              if (force && exists(*to_store, to))
                                  refuse_leased(*to_store, clock, to, host);
                              const Transfer transfer{*from_store, from, *to_store, to, force};
                              if (moves) {
                                  move_files(transfer, control);
                              } else {
                                  copy_files(transfer, control);
                              }
                          });
        co_return Value{};
    }

    const HostContext& context_;
    const InUse in_use_;
};

}  // namespace

void serve_file_manager(const HostContext& context, const InUse& in_use) {
    const auto& self = references::file_manager;
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    const auto service = std::make_shared<const FileService>(context, in_use);
    context.dispatcher.add(
        "MakeDirectory", [service](Call call) { return service->make_directory(std::move(call)); });
    add_task_method(context, "DeleteDatastoreFile_Task", "FileManager.deleteFile", datacenter,
                    [service](const Call& call) { return service->remove(call); });
    add_task_method(context, "CopyDatastoreFile_Task", "FileManager.copyFile", datacenter,
                    [service](const Call& call) { return service->copy(call); });
    add_task_method(context, "MoveDatastoreFile_Task", "FileManager.moveFile", datacenter,
                    [service](const Call& call) { return service->move(call); });
}

}  // namespace drover::host::files
