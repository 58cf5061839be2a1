#include "host/files/disk_service.hpp"

#include "base/log.hpp"
#include "host/files/disk_request.hpp"
#include "host/files/disk_work.hpp"
#include "host/files/file_task.hpp"
#include "host/files/file_tree.hpp"
#include "host/files/place.hpp"
#include "host/references.hpp"
#include "vim/extensions_types.hpp"
#include "vim/machines_types.hpp"
#include "vmx/disk_geometry.hpp"

namespace drover::host::files {

using task::Awaitable;
using task::Call;
using task::TaskBody;
using task::TaskContextPtr;
using vim::Value;

namespace {

vim::MoRef datacenter(const Call&) {
    return references::datacenter;
}

// As VirtualDiskType says it.
std::string_view type_of(storage::Provisioning provisioning) {
    switch (provisioning) {
        case storage::Provisioning::thin:
            return "thin";
        case storage::Provisioning::thick_lazy:
            return "preallocated";
        case storage::Provisioning::thick_eager:
            return "eagerZeroedThick";
    }
    return "thin";
}

class DiskService {
public:
    DiskService(const HostContext& context, const InUse& in_use)
        : context_(context), in_use_(in_use) {}

    TaskBody create(const Call& call) const {
        const auto request = call.arguments<vim::CreateVirtualDisk_TaskRequest>();
        const Place place = changing(call, request.name());
        const storage::DiskSpec spec = disk_spec_of(request.spec());
        base::log_info("audit: '{}' creates the disk {}", call.caller->user,
                       place.path.to_string());
        return
            [this, place, spec](TaskContextPtr task) { return perform_create(place, spec, task); };
    }

    TaskBody remove(const Call& call) const {
        const auto request = call.arguments<vim::DeleteVirtualDisk_TaskRequest>();
        const Place place = changing(call, request.name());
        check_free(place);
        base::log_info("audit: '{}' deletes the disk {}", call.caller->user,
                       place.path.to_string());
        return [this, place](TaskContextPtr) { return perform_remove(place); };
    }

    TaskBody copy(const Call& call) const {
        const auto request = call.arguments<vim::CopyVirtualDisk_TaskRequest>();
        const Place from = find_place(context_, *call.caller, request.sourceName(), kBrowse);
        const Place to = changing(call, request.destName());
        in_use_.check_readable(from.path);
        Wanted wanted;
        wanted.replace = request.force().value_or(false);
        if (const auto spec = request.destSpec()) {
            wanted.provisioning = provisioning_of(spec.diskType(), "destSpec.diskType");
            wanted.adapter_type = adapter_of(spec.adapterType(), "destSpec.adapterType");
        }
        if (wanted.replace) check_free(to);
        base::log_info("audit: '{}' copies the disk {} to {}", call.caller->user,
                       from.path.to_string(), to.path.to_string());
        return [this, from, to, wanted](TaskContextPtr task) {
            return perform_transfer(from, to, wanted, task);
        };
    }

    TaskBody move(const Call& call) const {
        const auto request = call.arguments<vim::MoveVirtualDisk_TaskRequest>();
        const Place from = changing(call, request.sourceName());
        const Place to = changing(call, request.destName());
        check_free(from);
        Wanted wanted;
        wanted.moves = true;
        wanted.replace = request.force().value_or(false);
        if (wanted.replace) check_free(to);
        base::log_info("audit: '{}' moves the disk {} to {}", call.caller->user,
                       from.path.to_string(), to.path.to_string());
        return [this, from, to, wanted](TaskContextPtr task) {
            return perform_transfer(from, to, wanted, task);
        };
    }

    TaskBody extend(const Call& call) const {
        const auto request = call.arguments<vim::ExtendVirtualDisk_TaskRequest>();
        const Place place = changing(call, request.name());
        check_free(place);
        const std::uint64_t capacity_bytes = capacity_of(request.newCapacityKb(), "newCapacityKb");
        const bool zeroes = request.eagerZero().value_or(false);
        base::log_info("audit: '{}' extends the disk {}", call.caller->user,
                       place.path.to_string());
        return [this, place, capacity_bytes, zeroes](TaskContextPtr task) {
            return perform_extend(place, capacity_bytes, zeroes, task);
        };
    }

    /// InflateVirtualDisk_Task and its kin: all of them take a name.
    template <class Request, storage::Refit refit>
    TaskBody change_space(const Call& call) const {
        const auto request = call.arguments<Request>();
        const Place place = changing(call, request.name());
        check_free(place);
        base::log_info("audit: '{}' calls {} for the disk {}", call.caller->user,
                       call.method->name(), place.path.to_string());
        return [this, place](TaskContextPtr task) { return perform_refit(place, refit, task); };
    }

    Awaitable<Value> query_uuid(Call call) const {
        const auto request = call.arguments<vim::QueryVirtualDiskUuidRequest>();
        const Place place = find_place(context_, *call.caller, request.name(), kBrowse);
        const auto disk = co_await describe(place);
        co_return Value::string(disk.uuid.empty() ? disk_uuid_of_path(place.path.to_string())
                                                  : disk.uuid);
    }

    TaskBody query_info(const Call& call) const {
        const auto request = call.arguments<vim::QueryVirtualDiskInfo_TaskRequest>();
        const Place place = find_place(context_, *call.caller, request.name(), kBrowse);
        const bool all = request.includeParents();
        return [this, place, all](TaskContextPtr) { return perform_query(place, all); };
    }

    Awaitable<Value> set_uuid(Call call) const {
        const auto request = call.arguments<vim::SetVirtualDiskUuidRequest>();
        const Place place = changing(call, request.name());
        const std::string uuid = disk_uuid_of(request.uuid());
        check_free(place, false);
        co_await context_.datastores.run(
            *place.entry, [path = place.path, uuid, &clock = context_.runtime.clock(),
                           host = context_.host_uuid](storage::Datastore& store) {
                refuse_leased(store, clock, path, host);
                set_disk_uuid(store, path, uuid);
            });
        base::log_info("audit: '{}' gave the disk {} the uuid {}", call.caller->user,
                       place.path.to_string(), uuid);
        co_return Value{};
    }

    Awaitable<Value> query_geometry(Call call) const {
        const auto request = call.arguments<vim::QueryVirtualDiskGeometryRequest>();
        const auto disk =
            co_await describe(find_place(context_, *call.caller, request.name(), kBrowse));
        const auto shape = vmx::disk_geometry(disk.capacity_bytes / 512, disk.adapter_type);
        auto made = vim::HostDiskDimensionsChs::make();
        made.set_cylinder(static_cast<std::int64_t>(shape.cylinders));
        made.set_head(static_cast<std::int32_t>(shape.heads));
        made.set_sector(static_cast<std::int32_t>(shape.sectors));
        co_return made.raw();
    }

private:
    struct Wanted {
        bool moves = false;
        bool replace = false;
        std::optional<storage::Provisioning> provisioning;
        std::optional<std::string> adapter_type;
    };

    Place changing(const Call& call, std::string_view name) const {
        Place place = find_place(context_, *call.caller, name, kChangeFiles);
        require_below_root(place);
        return place;
    }

    void check_free(const Place& place, bool content_changes = true) const {
        in_use_.check_changeable(place.path);
        if (content_changes) in_use_.check_childless(place.path);
    }

    Awaitable<storage::DiskDescription> describe(Place place) const {
        return context_.datastores.run(*place.entry,
                                       [path = place.path](storage::Datastore& store) {
                                           return store.volumes().describe_disk(path);
                                       });
    }

    // The disk, and with `all` what it is based on, down to the disk that has no parent.
    Awaitable<Value> perform_query(Place place, bool all) const {
        const storage::DiskDescription disk = co_await describe(place);
        std::vector<Value> found;
        for (std::size_t i = 0; i < disk.chain.size(); ++i) {
            auto unit = vim::VirtualDiskInfoUnit::make();
            unit.set_name(disk.chain[i].descriptor.to_string());
            auto made = vim::VirtualDiskInfo::make();
            made.set_unit(unit);
            made.set_diskType(type_of(disk.provisioning));
            if (i + 1 < disk.chain.size())
                made.set_parent(disk.chain[i + 1].descriptor.to_string());
            found.push_back(made.raw());
            if (!all) break;
        }
        co_return Value::array(vim::TypeId::VirtualDiskInfo, std::move(found));
    }

    Awaitable<Value> perform_create(Place place, storage::DiskSpec spec,
                                    TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        co_await run_long(
            context_, *place.entry,
            [store = place.entry->store, path = place.path, spec, control = watch.control()] {
                store->volumes().create_disk(path, spec, control);
            });
        co_return Value::string(place.path.to_string());
    }

    Awaitable<Value> perform_remove(Place place) const {
        co_await run_long(context_, *place.entry,
                          [store = place.entry->store, path = place.path,
                           &clock = context_.runtime.clock(), host = context_.host_uuid] {
                              refuse_leased(*store, clock, path, host);
                              store->volumes().delete_disk(path);
                          });
        co_return Value{};
    }

    Awaitable<Value> perform_refit(Place place, storage::Refit refit, TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        co_await run_long(
            context_, *place.entry,
            [store = place.entry->store, path = place.path, refit, control = watch.control(),
             &clock = context_.runtime.clock(), host = context_.host_uuid] {
                refuse_leased(*store, clock, path, host);
                store->volumes().refit_disk(path, refit, control);
            });
        co_return Value{};
    }

    Awaitable<Value> perform_extend(Place place, std::uint64_t capacity_bytes, bool zeroes,
                                    TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        co_await run_long(
            context_, *place.entry,
            [store = place.entry->store, path = place.path, capacity_bytes, zeroes,
             control = watch.control(), &clock = context_.runtime.clock(),
             host = context_.host_uuid] {
                refuse_leased(*store, clock, path, host);
                if (capacity_bytes < store->volumes().describe_disk(path).capacity_bytes) {
                    throw vim::invalid_argument("newCapacityKb", "A disk can't become smaller.");
                }
                store->volumes().grow_disk(path, capacity_bytes, control, zeroes);
            });
        co_return Value{};
    }

    Awaitable<Value> perform_transfer(Place from, Place to, Wanted wanted,
                                      TaskContextPtr task) const {
        const Watch watch(context_.runtime, task);
        co_await run_long(context_, *from.entry,
                          [from_store = from.entry->store, to_store = to.entry->store,
                           from = from.path, to = to.path, wanted, control = watch.control(),
                           &clock = context_.runtime.clock(), host = context_.host_uuid] {
                              if (wanted.moves) refuse_leased(*from_store, clock, from, host);
                              if (wanted.replace && exists(*to_store, to)) {
                                  refuse_leased(*to_store, clock, to, host);
                              }
                              const DiskTransfer transfer{*from_store,         from,
                                                          *to_store,           to,
                                                          wanted.provisioning, wanted.adapter_type,
                                                          wanted.replace};
                              if (wanted.moves) {
                                  move_disk(transfer, control);
                              } else {
                                  copy_disk(transfer, control);
                              }
                          });
        co_return Value::string(to.path.to_string());
    }

    const HostContext& context_;
    const InUse in_use_;
};

using ServicePtr = std::shared_ptr<const DiskService>;
using Planner = TaskBody (DiskService::*)(const Call&) const;

void add_task(const HostContext& context, const ServicePtr& service, std::string_view method,
              std::string description_id, Planner plan) {
    add_task_method(context, method, "VirtualDiskManager." + description_id, datacenter,
                    [service, plan](const Call& call) { return ((*service).*plan)(call); });
}

}  // namespace

void serve_disk_manager(const HostContext& context, const InUse& in_use) {
    const auto& self = references::virtual_disk_manager;
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    const ServicePtr service = std::make_shared<const DiskService>(context, in_use);
    add_task(context, service, "CreateVirtualDisk_Task", "createVirtualDisk", &DiskService::create);
    add_task(context, service, "DeleteVirtualDisk_Task", "deleteVirtualDisk", &DiskService::remove);
    add_task(context, service, "CopyVirtualDisk_Task", "copyVirtualDisk", &DiskService::copy);
    add_task(context, service, "MoveVirtualDisk_Task", "moveVirtualDisk", &DiskService::move);
    add_task(context, service, "ExtendVirtualDisk_Task", "extendVirtualDisk", &DiskService::extend);
    using storage::Refit;
    add_task(context, service, "InflateVirtualDisk_Task", "inflateVirtualDisk",
             &DiskService::change_space<vim::InflateVirtualDisk_TaskRequest, Refit::inflate>);
    add_task(context, service, "EagerZeroVirtualDisk_Task", "eagerZeroVirtualDisk",
             &DiskService::change_space<vim::EagerZeroVirtualDisk_TaskRequest, Refit::inflate>);
    add_task(context, service, "ZeroFillVirtualDisk_Task", "zeroFillVirtualDisk",
             &DiskService::change_space<vim::ZeroFillVirtualDisk_TaskRequest, Refit::zero>);
    add_task(context, service, "ShrinkVirtualDisk_Task", "shrinkVirtualDisk",
             &DiskService::change_space<vim::ShrinkVirtualDisk_TaskRequest, Refit::shrink>);
    add_task(context, service, "QueryVirtualDiskInfo_Task", "queryVirtualDiskInfo",
             &DiskService::query_info);
    context.dispatcher.add("QueryVirtualDiskUuid",
                           [service](Call call) { return service->query_uuid(std::move(call)); });
    context.dispatcher.add("SetVirtualDiskUuid",
                           [service](Call call) { return service->set_uuid(std::move(call)); });
    context.dispatcher.add("QueryVirtualDiskGeometry", [service](Call call) {
        return service->query_geometry(std::move(call));
    });
}

}  // namespace drover::host::files
