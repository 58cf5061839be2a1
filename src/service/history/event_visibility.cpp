#include "service/history/event_visibility.hpp"

#include <array>

#include "service/history/event_history.hpp"

namespace drover::service {
namespace {

using vim::Value;
using vim::ValueKind;

// The arguments of events, the most special first. "entity" is what a user's own words are about.
constexpr std::array<std::string_view, 8> kArguments{
    "entity", "vm", "host", "ds", "net", "dvs", "computeResource", "datacenter"};

// The object that an argument of the event names and that is there.
const model::ManagedObject* named_by(const Value& argument, const model::Inventory& inventory) {
    if (argument.kind() != ValueKind::object) return nullptr;
    for (const Value& slot : argument.slots()) {
        if (slot.kind() == ValueKind::moref) return inventory.find(slot.moref_id());
    }
    return nullptr;
}

const model::ManagedObject* subject_of(const vim::Event& event, const model::Inventory& inventory) {
    const Value& raw = event.raw();
    for (const auto name : kArguments) {
        if (const auto* object = named_by(raw.property(name), inventory)) return object;
    }
    for (const vim::MoRef& reference : objects_of(event)) {
        if (const auto* object = inventory.find(reference)) return object;
    }
    return nullptr;
}

bool may_read(const model::ManagedObject* subject, const model::Inventory& inventory,
              const model::Reader& reader, const vim::MoRef& root) {
    if (subject == nullptr) subject = inventory.find(root);
    return subject != nullptr && model::is_visible(*subject, reader) &&
           reader.may_read(*subject, "System.Read");
}

}  // namespace

bool may_see(const vim::Event& event, const model::Inventory& inventory,
             const model::Reader& reader, const vim::MoRef& root) {
    return may_read(subject_of(event, inventory), inventory, reader, root);
}

bool may_see(const vim::TaskInfo& task, const model::Inventory& inventory,
             const model::Reader& reader, const vim::MoRef& root) {
    const auto entity = task.entity();
    return may_read(entity ? inventory.find(*entity) : nullptr, inventory, reader, root);
}

}  // namespace drover::service
