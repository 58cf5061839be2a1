#include "host/events/event_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/properties.hpp"

namespace drover::host {

using vim::MoRef;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostTextBytes = 16 << 10;

std::string name_of(const model::ManagedObject& object) {
    const Value& name = object.property(vim::property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : object.id();
}

std::string text_of(const Value& value) {
    switch (value.kind()) {
        case ValueKind::none:
            return "<unset>";
        case ValueKind::string:
            return fmt::format("\"{}\"", value.as_string());
        case ValueKind::enumeration:
            return std::string(value.as_string());
        case ValueKind::boolean:
            return value.as_boolean() ? "true" : "false";
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            return std::to_string(value.as_integer());
        case ValueKind::float_:
        case ValueKind::double_:
            return fmt::format("{}", value.as_double());
        case ValueKind::date_time:
            return base::format_time(value.as_time());
        case ValueKind::moref:
            return std::string(value.moref_id());
        case ValueKind::object:
            return fmt::format("({})", vim::describe(value.type()).name());
        default:
            return "(...)";
    }
}

// The key of an array's element; empty where it has none.
std::string key_of(const Value& element) {
    if (element.kind() != ValueKind::object) return {};
    const Value& key = element.property("key");
    if (key.kind() == ValueKind::string) return fmt::format("\"{}\"", key.as_string());
    return key ? text_of(key) : std::string();
}

class Comparison {
public:
    void compare(const std::string& path, const Value& before, const Value& after) {
        if (before == after || full()) return;
        if (before.kind() == ValueKind::object && after.kind() == ValueKind::object &&
            before.type() == after.type()) {
            return compare_objects(path, before, after);
        }
        if (before.kind() == ValueKind::array && after.kind() == ValueKind::array &&
            is_keyed(before) && is_keyed(after)) {
            return compare_lists(path, before, after);
        }
        modified += fmt::format("{}: {} -> {}; \n", path, text_of(before), text_of(after));
    }

    std::string modified;
    std::string added;
    std::string deleted;

private:
    bool full() const { return modified.size() + added.size() + deleted.size() > kMostTextBytes; }

    static bool is_keyed(const Value& list) {
        return std::ranges::all_of(list.elements(),
                                   [](const Value& each) { return !key_of(each).empty(); });
    }

    void compare_objects(const std::string& path, const Value& before, const Value& after) {
        const auto properties = vim::describe(before.type()).properties();
        for (std::size_t i = 0; i < properties.size(); ++i) {
            if (properties[i].secret()) continue;
            compare(fmt::format("{}.{}", path, properties[i].name()), before.slots()[i],
                    after.slots()[i]);
        }
    }

    static const Value* find(const Value& list, const std::string& key) {
        const auto elements = list.elements();
        const auto found = std::ranges::find_if(
            elements, [&key](const Value& each) { return key_of(each) == key; });
        return found == elements.end() ? nullptr : &*found;
    }

    void compare_lists(const std::string& path, const Value& before, const Value& after) {
        for (const Value& each : before.elements()) {
            const std::string key = key_of(each);
            const std::string place = fmt::format("{}[{}]", path, key);
            const Value* now = find(after, key);
            if (now != nullptr) {
                compare(place, each, *now);
            } else if (!full()) {
                deleted += fmt::format("{}: {}; \n", place, text_of(each));
            }
        }
        for (const Value& each : after.elements()) {
            const std::string key = key_of(each);
            if (find(before, key) == nullptr && !full()) {
                added += fmt::format("{}[{}]: {}; \n", path, key, text_of(each));
            }
        }
    }
};

}  // namespace

std::string entity_name(const model::Inventory& inventory, const MoRef& entity) {
    const model::ManagedObject* object = inventory.find(entity);
    return object == nullptr ? std::string() : name_of(*object);
}

vim::VmEventArgument vm_argument(const model::ManagedObject& machine) {
    auto argument = vim::VmEventArgument::make();
    argument.set_vm(machine.ref());
    argument.set_name(name_of(machine));
    return argument;
}

bool is_template(const model::ManagedObject& machine) {
    const vim::VirtualMachineConfigInfo config(
        machine.property(vim::property::VirtualMachine::config));
    return config && config.template_();
}

vim::DatastoreEventArgument datastore_argument(const model::ManagedObject& datastore) {
    auto argument = vim::DatastoreEventArgument::make();
    argument.set_datastore(datastore.ref());
    argument.set_name(name_of(datastore));
    return argument;
}

vim::ResourcePoolEventArgument pool_argument(const model::Inventory& inventory, const MoRef& pool) {
    auto argument = vim::ResourcePoolEventArgument::make();
    argument.set_resourcePool(pool);
    argument.set_name(entity_name(inventory, pool));
    return argument;
}

vim::ChangesInfoEventArgument changes_between(const Value& before, const Value& after) {
    Comparison comparison;
    comparison.compare("config", before, after);
    auto made = vim::ChangesInfoEventArgument::make();
    made.set_modified(comparison.modified);
    made.set_added(comparison.added);
    made.set_deleted(comparison.deleted);
    return made;
}

}  // namespace drover::host
