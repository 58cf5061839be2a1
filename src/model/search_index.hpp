#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"

namespace drover::model {

/// The SearchIndex: finds machines and hosts by what people know of them. Indices follow the
/// inventory's deltas, so a search does not walk it. All calls run on the inventory's strand. Only
/// what the reader may see is found; nothing found is an empty MoRef or list. A `datacenter`
/// narrows the search, an empty MoRef does not; one that is gone is ManagedObjectNotFound.
class SearchIndex {
public:
    /// Makes the managed object under this id. The inventory must outlive it.
    SearchIndex(Inventory& inventory, std::string search_index_id, MoRef root_folder);
    ~SearchIndex();
    SearchIndex(const SearchIndex&) = delete;
    SearchIndex& operator=(const SearchIndex&) = delete;

    /// By the BIOS UUID (or a machine's instance UUID), in any case. `vm_search` false looks for
    /// hosts.
    MoRef find_by_uuid(const Reader& reader, const MoRef& datacenter, std::string_view uuid,
                       bool vm_search, bool instance_uuid) const;
    std::vector<MoRef> find_all_by_uuid(const Reader& reader, const MoRef& datacenter,
                                        std::string_view uuid, bool vm_search,
                                        bool instance_uuid) const;
    /// By an address of the guest, or of a host's management interface.
    MoRef find_by_ip(const Reader& reader, const MoRef& datacenter, std::string_view ip,
                     bool vm_search) const;
    std::vector<MoRef> find_all_by_ip(const Reader& reader, const MoRef& datacenter,
                                      std::string_view ip, bool vm_search) const;
    /// By the name that the guest or the host gives itself, in any case.
    MoRef find_by_dns_name(const Reader& reader, const MoRef& datacenter, std::string_view dns_name,
                           bool vm_search) const;
    std::vector<MoRef> find_all_by_dns_name(const Reader& reader, const MoRef& datacenter,
                                            std::string_view dns_name, bool vm_search) const;
    /// By "[datastore] directory/name.vmx".
    MoRef find_by_datastore_path(const Reader& reader, const MoRef& datacenter,
                                 std::string_view path) const;
    /// By "datacenter/vm/folder/name", from the root folder; %2f, %5c and %25 stand for the
    /// characters that names can't hold. "" is the root folder.
    MoRef find_by_inventory_path(const Reader& reader, std::string_view path) const;
    MoRef find_child(const Reader& reader, const MoRef& entity, std::string_view name) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace drover::model
