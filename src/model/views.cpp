#include "model/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/check.hpp"
#include "model/containment.hpp"
#include "model/view_state.hpp"
#include "vim/fault.hpp"
#include "vim/properties.hpp"

namespace drover::model {
namespace {

using vim::ValueKind;
namespace property = vim::property;

constexpr PropertyIndex kViewProperty = property::ManagedObjectView::view;

Value reference_array(const std::vector<const ManagedObject*>& objects, const Reader& reader) {
    std::vector<Value> refs;
    refs.reserve(objects.size());
    for (const ManagedObject* object : objects) {
        if (is_visible(*object, reader)) refs.push_back(object->reference());
    }
    return Value::array(TypeId::ManagedObject, std::move(refs));
}

}  // namespace

class Views::Impl {
public:
    Impl(Inventory& the_inventory, MoRef view_manager, MoRef root_folder, base::Random& the_random,
         ViewLimits the_limits)
        : inventory(the_inventory),
          manager(std::move(view_manager)),
          root(std::move(root_folder)),
          random(the_random),
          limits(the_limits) {}

    void start();
    MoRef new_ref(TypeId type, const Reader& reader) const;
    std::shared_ptr<ViewState> find(const Reader& reader, const MoRef& view) const;
    std::shared_ptr<ListViewState> find_list(const Reader& reader, const MoRef& view,
                                             TypeId type) const;
    void publish(Transaction& transaction, std::shared_ptr<ViewState> state);
    void touch(const MoRef& view);
    std::vector<MoRef> add_all(ListViewState& list, const Reader& reader,
                               const std::vector<MoRef>& objects);
    const ManagedObject* find_visible(const Reader& reader, const MoRef& ref) const;

    Inventory& inventory;
    MoRef manager;
    MoRef root;
    base::Random& random;
    ViewLimits limits;
    std::map<std::string, std::shared_ptr<ViewState>, std::less<>> views;
    std::unordered_map<std::string, std::size_t> views_of_session;
    Subscription subscription;
};

void Views::Impl::start() {
    Transaction transaction(inventory);
    transaction.create(manager.type, manager.id);
    transaction.set_computed(
        manager, property::ViewManager::viewList, [this](const Reader& reader) {
            std::vector<Value> refs;
            for (const auto& [id, view] : views) {
                if (view->session_key() == reader.session_key()) {
                    refs.push_back(Value::moref(view->ref()));
                }
            }
            return refs.empty() ? Value{} : Value::array(TypeId::View, std::move(refs));
        });
    transaction.commit();
    subscription = inventory.derive([this](const Delta& delta, const Inventory::Touch& change) {
        if (!concerns_views(delta)) return;
        for (const auto& [id, view] : views) {
            if (view->note(delta) && inventory.find(view->ref())) {
                change(view->ref(), kViewProperty);
            }
        }
    });
}

MoRef Views::Impl::new_ref(TypeId type, const Reader& reader) const {
    const std::string key(reader.session_key());
    if (key.empty()) {
        auto fault = vim::NotAuthenticated::make();
        fault.set_object(manager);
        fault.set_privilegeId("System.View");
        throw vim::Fault(fault, "The session is not authenticated.");
    }
    const auto count = views_of_session.find(key);
    if (count != views_of_session.end() && count->second >= limits.views_per_session) {
        throw vim::make_fault<vim::InvalidRequest>(
            fmt::format("The session has {} views already; destroy some first.", count->second));
    }
    return {type, fmt::format("session[{}]{}", key, random.uuid())};
}

const ManagedObject* Views::Impl::find_visible(const Reader& reader, const MoRef& ref) const {
    const ManagedObject* object = inventory.find(ref);
    return object && is_visible(*object, reader) ? object : nullptr;
}

std::shared_ptr<ViewState> Views::Impl::find(const Reader& reader, const MoRef& view) const {
    const auto found = views.find(view.id);
    if (found == views.end() || found->second->session_key() != reader.session_key()) {
        throw vim::object_not_found(view);
    }
    return found->second;
}

std::shared_ptr<ListViewState> Views::Impl::find_list(const Reader& reader, const MoRef& view,
                                                      TypeId type) const {
    const auto found = find(reader, view);
    if (found->ref().type != type) throw vim::object_not_found(view);
    return std::static_pointer_cast<ListViewState>(found);
}

void Views::Impl::publish(Transaction& transaction, std::shared_ptr<ViewState> state) {
    const MoRef ref = state->ref();
    transaction.set_computed(
        ref, kViewProperty,
        [this, weak = std::weak_ptr(state)](const Reader& reader) {
            const auto view = weak.lock();
            if (!view) return Value{};
            return reference_array(view->objects(inventory), reader);
        },
        [this,
         weak = std::weak_ptr(state)](const Reader&) -> const std::vector<const ManagedObject*>& {
            static const std::vector<const ManagedObject*> none;
            const auto view = weak.lock();  // Impl::views has it as well
            return view ? view->objects(inventory) : none;
        });
    ++views_of_session[state->session_key()];
    views.emplace(ref.id, std::move(state));
    transaction.touch(manager, property::ViewManager::viewList);
    transaction.commit();
}

void Views::Impl::touch(const MoRef& view) {
    Transaction transaction(inventory);
    transaction.touch(view, kViewProperty);
    transaction.commit();
}

std::vector<MoRef> Views::Impl::add_all(ListViewState& list, const Reader& reader,
                                        const std::vector<MoRef>& objects) {
    std::vector<MoRef> unresolved;
    for (const MoRef& ref : objects) {
        const ManagedObject* object = find_visible(reader, ref);
        if (!object) {
            unresolved.push_back(ref);
            continue;
        }
        if (list.objects(inventory).size() >= limits.objects_per_list && !list.holds(object)) {
            throw vim::invalid_argument(
                "obj", fmt::format("A view holds at most {} objects.", limits.objects_per_list));
        }
        list.add(object);
    }
    return unresolved;
}

Views::Views(Inventory& inventory, std::string view_manager_id, MoRef root_folder,
             base::Random& random, ViewLimits limits)
    : impl_(std::make_unique<Impl>(inventory,
                                   MoRef{TypeId::ViewManager, std::move(view_manager_id)},
                                   std::move(root_folder), random, limits)) {
    impl_->start();
}

Views::~Views() = default;

MoRef Views::create_container_view(const Reader& reader, const MoRef& container,
                                   const std::vector<std::string>& types, bool recursive) {
    const ManagedObject* object = impl_->find_visible(reader, container);
    if (!object) throw vim::object_not_found(container);
    if (containment_properties(object->type()).empty()) {
        throw vim::invalid_argument("container", fmt::format("A {} contains nothing.",
                                                             vim::describe(object->type()).name()));
    }
    std::vector<TypeId> wanted;
    for (const std::string& name : types) {
        const TypeId type = vim::find_type(name);
        if (type == TypeId::none || !vim::is_a(type, TypeId::ManagedEntity)) {
            throw vim::invalid_argument(
                "type", fmt::format("'{}' is no type of managed entity.", name.substr(0, 200)));
        }
        if (std::ranges::find(wanted, type) == wanted.end()) wanted.push_back(type);
    }
    const MoRef ref = impl_->new_ref(TypeId::ContainerView, reader);
    Transaction transaction(impl_->inventory);
    transaction.create(ref.type, ref.id);
    transaction.set(ref, property::ContainerView::container, Value::moref(object->ref()));
    transaction.set(ref, property::ContainerView::recursive, Value::boolean(recursive));
    if (!types.empty()) {
        std::vector<Value> names;
        for (const std::string& name : types) names.push_back(Value::string(name));
        transaction.set(ref, property::ContainerView::type,
                        Value::array(TypeId::string, std::move(names)));
    }
    impl_->publish(transaction,
                   std::make_shared<ContainerViewState>(ref, std::string(reader.session_key()),
                                                        object->ref(), wanted, recursive));
    return ref;
}

MoRef Views::create_list_view(const Reader& reader, const std::vector<MoRef>& objects) {
    const MoRef ref = impl_->new_ref(TypeId::ListView, reader);
    auto list = std::make_shared<ListViewState>(ref, std::string(reader.session_key()));
    // Creation has no way to return what it could not resolve, so it refuses.
    const auto unresolved = impl_->add_all(*list, reader, objects);
    if (!unresolved.empty()) throw vim::object_not_found(unresolved.front());
    Transaction transaction(impl_->inventory);
    transaction.create(ref.type, ref.id);
    impl_->publish(transaction, std::move(list));
    return ref;
}

MoRef Views::create_list_view_from_view(const Reader& reader, const MoRef& view) {
    const auto from = impl_->find(reader, view);
    const MoRef ref = impl_->new_ref(TypeId::ListView, reader);
    auto list = std::make_shared<ListViewState>(ref, std::string(reader.session_key()));
    for (const ManagedObject* object : from->objects(impl_->inventory)) list->add(object);
    Transaction transaction(impl_->inventory);
    transaction.create(ref.type, ref.id);
    impl_->publish(transaction, std::move(list));
    return ref;
}

MoRef Views::create_inventory_view(const Reader& reader) {
    const MoRef ref = impl_->new_ref(TypeId::InventoryView, reader);
    auto list = std::make_shared<ListViewState>(ref, std::string(reader.session_key()));
    if (const auto* root = impl_->find_visible(reader, impl_->root)) list->add(root);
    Transaction transaction(impl_->inventory);
    transaction.create(ref.type, ref.id);
    impl_->publish(transaction, std::move(list));
    return ref;
}

void Views::destroy_view(const Reader& reader, const MoRef& view) {
    const auto found = impl_->find(reader, view);
    Transaction transaction(impl_->inventory);
    transaction.destroy(found->ref());
    transaction.touch(impl_->manager, property::ViewManager::viewList);
    impl_->views.erase(found->ref().id);
    if (--impl_->views_of_session[found->session_key()] == 0) {
        impl_->views_of_session.erase(found->session_key());
    }
    transaction.commit();
}

std::vector<MoRef> Views::modify_list_view(const Reader& reader, const MoRef& view,
                                           const std::vector<MoRef>& add,
                                           const std::vector<MoRef>& remove) {
    const auto list = impl_->find_list(reader, view, TypeId::ListView);
    auto unresolved = impl_->add_all(*list, reader, add);
    for (const MoRef& ref : remove) {
        const ManagedObject* object = impl_->find_visible(reader, ref);
        if (!object) {
            unresolved.push_back(ref);
        } else {
            list->remove(object);
        }
    }
    impl_->touch(list->ref());
    return unresolved;
}

std::vector<MoRef> Views::reset_list_view(const Reader& reader, const MoRef& view,
                                          const std::vector<MoRef>& objects) {
    const auto list = impl_->find_list(reader, view, TypeId::ListView);
    list->clear();
    auto unresolved = impl_->add_all(*list, reader, objects);
    impl_->touch(list->ref());
    return unresolved;
}

void Views::reset_list_view_from_view(const Reader& reader, const MoRef& view, const MoRef& from) {
    const auto list = impl_->find_list(reader, view, TypeId::ListView);
    const auto objects = impl_->find(reader, from)->objects(impl_->inventory);
    list->clear();
    for (const ManagedObject* object : objects) list->add(object);
    impl_->touch(list->ref());
}

std::vector<MoRef> Views::open_inventory_view_folder(const Reader& reader, const MoRef& view,
                                                     const std::vector<MoRef>& entities) {
    const auto list = impl_->find_list(reader, view, TypeId::InventoryView);
    std::vector<MoRef> unresolved;
    for (const MoRef& ref : entities) {
        const ManagedObject* entity = impl_->find_visible(reader, ref);
        if (!entity) {
            unresolved.push_back(ref);
            continue;
        }
        list->add(entity);
        impl_->add_all(*list, reader, children_of(*entity));
    }
    impl_->touch(list->ref());
    return unresolved;
}

std::vector<MoRef> Views::close_inventory_view_folder(const Reader& reader, const MoRef& view,
                                                      const std::vector<MoRef>& entities) {
    const auto list = impl_->find_list(reader, view, TypeId::InventoryView);
    std::vector<MoRef> unresolved;
    for (const MoRef& ref : entities) {
        const ManagedObject* entity = impl_->find_visible(reader, ref);
        if (!entity) {
            unresolved.push_back(ref);
            continue;
        }
        // All that was opened below it goes; the entity itself stays.
        std::vector<const ManagedObject*> closing{entity};
        for (std::size_t i = 0; i < closing.size(); ++i) {
            for (const MoRef& child : children_of(*closing[i])) {
                const ManagedObject* found = impl_->inventory.find(child);
                if (found && list->remove(found)) closing.push_back(found);
            }
        }
    }
    impl_->touch(list->ref());
    return unresolved;
}

void Views::end_session(std::string_view session_key) {
    Transaction transaction(impl_->inventory);
    for (auto each = impl_->views.begin(); each != impl_->views.end();) {
        if (each->second->session_key() == session_key) {
            transaction.destroy(each->second->ref());
            each = impl_->views.erase(each);
        } else {
            ++each;
        }
    }
    impl_->views_of_session.erase(std::string(session_key));
    transaction.touch(impl_->manager, property::ViewManager::viewList);
    transaction.commit();
}

}  // namespace drover::model
