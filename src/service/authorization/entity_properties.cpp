#include "service/authorization/entity_properties.hpp"

#include "service/authorization/reader.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

Value effective_role(const Authorization& authorization, const MoRef& entity,
                     const model::Reader& reader) {
    const auto* caller = dynamic_cast<const AuthorizedReader*>(&reader);
    const auto* object = authorization.inventory().find(entity);
    std::vector<Value> roles;
    if (caller != nullptr && object != nullptr && !caller->session_key().empty()) {
        const auto access = authorization.access_of(caller->user());
        for (const int role : access->on(*object).roles) {
            roles.push_back(Value::int_(role));
        }
    }
    return Value::array(TypeId::int_, std::move(roles));
}

}  // namespace

vim::Permission describe(const Permission& permission, const MoRef& entity) {
    auto made = vim::Permission::make();
    made.set_entity(entity);
    made.set_principal(permission.principal.name);
    made.set_group(permission.principal.is_group);
    made.set_roleId(permission.role);
    made.set_propagate(permission.propagate);
    return made;
}

std::vector<vim::Permission> permissions_on(const Authorization& authorization,
                                            const MoRef& entity) {
    std::vector<vim::Permission> list;
    const auto found = authorization.rules().permissions.find(entity.id);
    if (found == authorization.rules().permissions.end()) return list;
    for (const auto& [principal, permission] : found->second) {
        list.push_back(describe(permission, entity));
    }
    return list;
}

void compute_entity_properties(model::Transaction& transaction, const MoRef& entity,
                               const Authorization& authorization) {
    namespace property = vim::property::ManagedEntity;
    transaction.set_computed(entity, property::effectiveRole,
                             [&authorization, entity](const model::Reader& reader) {
                                 return effective_role(authorization, entity, reader);
                             });
    transaction.set_computed(entity, property::permission,
                             [&authorization, entity](const model::Reader&) {
                                 std::vector<Value> list;
                                 for (const auto& each : permissions_on(authorization, entity)) {
                                     list.push_back(each.raw());
                                 }
                                 return Value::array(TypeId::Permission, std::move(list));
                             });
}

}  // namespace drover::service
