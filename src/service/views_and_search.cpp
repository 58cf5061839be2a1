#include "service/views_and_search.hpp"

#include <string>
#include <vector>

namespace drover::service {

using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

Value references(const std::vector<MoRef>& found) {
    std::vector<Value> values;
    values.reserve(found.size());
    for (const MoRef& reference : found) values.push_back(Value::moref(reference));
    return Value::array(TypeId::ManagedObject, std::move(values));
}

Value reference_or_nothing(const MoRef& found) {
    return found ? Value::moref(found) : Value{};
}

std::vector<std::string> texts(const vim::ArrayView<std::string_view>& list) {
    return {list.begin(), list.end()};
}

MoRef scope(const std::optional<MoRef>& datacenter) {
    return datacenter.value_or(MoRef{});
}

}  // namespace

void serve_views(task::Dispatcher& dispatcher, model::Views& views, Readers readers) {
    dispatcher.add_direct("CreateContainerView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::CreateContainerViewRequest>();
        return Value::moref(views.create_container_view(*readers(*call.caller), request.container(),
                                                        texts(request.type()),
                                                        request.recursive()));
    });
    dispatcher.add_direct("CreateListView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::CreateListViewRequest>();
        return Value::moref(
            views.create_list_view(*readers(*call.caller), request.obj().to_vector()));
    });
    dispatcher.add_direct("CreateListViewFromView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::CreateListViewFromViewRequest>();
        return Value::moref(
            views.create_list_view_from_view(*readers(*call.caller), request.view()));
    });
    dispatcher.add_direct("CreateInventoryView", [&views, readers](const Call& call) {
        return Value::moref(views.create_inventory_view(*readers(*call.caller)));
    });
    dispatcher.add_direct("DestroyView", [&views, readers](const Call& call) {
        views.destroy_view(*readers(*call.caller), call.self);
        return Value{};
    });
    dispatcher.add_direct("ModifyListView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::ModifyListViewRequest>();
        return references(views.modify_list_view(*readers(*call.caller), call.self,
                                                 request.add().to_vector(),
                                                 request.remove().to_vector()));
    });
    dispatcher.add_direct("ResetListView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::ResetListViewRequest>();
        return references(
            views.reset_list_view(*readers(*call.caller), call.self, request.obj().to_vector()));
    });
    dispatcher.add_direct("ResetListViewFromView", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::ResetListViewFromViewRequest>();
        views.reset_list_view_from_view(*readers(*call.caller), call.self, request.view());
        return Value{};
    });
    dispatcher.add_direct("OpenInventoryViewFolder", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::OpenInventoryViewFolderRequest>();
        return references(views.open_inventory_view_folder(*readers(*call.caller), call.self,
                                                           request.entity().to_vector()));
    });
    dispatcher.add_direct("CloseInventoryViewFolder", [&views, readers](const Call& call) {
        const auto request = call.arguments<vim::CloseInventoryViewFolderRequest>();
        return references(views.close_inventory_view_folder(*readers(*call.caller), call.self,
                                                            request.entity().to_vector()));
    });
}

void serve_search_index(task::Dispatcher& dispatcher, const model::SearchIndex& index,
                        Readers readers) {
    dispatcher.add_direct("FindByUuid", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindByUuidRequest>();
        return reference_or_nothing(
            index.find_by_uuid(*readers(*call.caller), scope(request.datacenter()), request.uuid(),
                               request.vmSearch(), request.instanceUuid().value_or(false)));
    });
    dispatcher.add_direct("FindAllByUuid", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindAllByUuidRequest>();
        return references(index.find_all_by_uuid(
            *readers(*call.caller), scope(request.datacenter()), request.uuid(), request.vmSearch(),
            request.instanceUuid().value_or(false)));
    });
    dispatcher.add_direct("FindByIp", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindByIpRequest>();
        return reference_or_nothing(index.find_by_ip(
            *readers(*call.caller), scope(request.datacenter()), request.ip(), request.vmSearch()));
    });
    dispatcher.add_direct("FindAllByIp", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindAllByIpRequest>();
        return references(index.find_all_by_ip(*readers(*call.caller), scope(request.datacenter()),
                                               request.ip(), request.vmSearch()));
    });
    dispatcher.add_direct("FindByDnsName", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindByDnsNameRequest>();
        return reference_or_nothing(index.find_by_dns_name(*readers(*call.caller),
                                                           scope(request.datacenter()),
                                                           request.dnsName(), request.vmSearch()));
    });
    dispatcher.add_direct("FindAllByDnsName", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindAllByDnsNameRequest>();
        return references(index.find_all_by_dns_name(*readers(*call.caller),
                                                     scope(request.datacenter()), request.dnsName(),
                                                     request.vmSearch()));
    });
    dispatcher.add_direct("FindByDatastorePath", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindByDatastorePathRequest>();
        return reference_or_nothing(index.find_by_datastore_path(
            *readers(*call.caller), request.datacenter(), request.path()));
    });
    dispatcher.add_direct("FindByInventoryPath", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindByInventoryPathRequest>();
        return reference_or_nothing(
            index.find_by_inventory_path(*readers(*call.caller), request.inventoryPath()));
    });
    dispatcher.add_direct("FindChild", [&index, readers](const Call& call) {
        const auto request = call.arguments<vim::FindChildRequest>();
        return reference_or_nothing(
            index.find_child(*readers(*call.caller), request.entity(), request.name()));
    });
}

}  // namespace drover::service
