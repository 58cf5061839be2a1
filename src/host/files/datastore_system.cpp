#include "host/files/datastore_system.hpp"

#include "host/datastores.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host::files {

using vim::Value;
namespace property = vim::property::HostDatastoreSystem;

void serve_datastore_system(const HostContext& context) {
    const auto& self = references::datastore_system;
    auto capabilities = vim::HostDatastoreSystemCapabilities::make();
    capabilities.set_nfsMountCreationRequired(false);
    capabilities.set_nfsMountCreationSupported(false);
    capabilities.set_localDatastoreSupported(false);
    capabilities.set_vmfsExtentExpansionSupported(false);
    std::vector<Value> datastores;
    for (const auto& entry : context.datastores.all()) {
        datastores.push_back(Value::moref(entry->ref));
    }
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, property::capabilities, capabilities.raw());
    transaction.set(self, property::datastore,
                    Value::array(vim::TypeId::Datastore, std::move(datastores)));
    transaction.commit();
}

}  // namespace drover::host::files
