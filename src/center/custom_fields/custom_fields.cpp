#include "center/custom_fields/custom_fields.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/references.hpp"
#include "center/tree/data.hpp"
#include "center/tree/names.hpp"
#include "service/history/history_item.hpp"
#include "vim/history_types.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::ManagedObject;
using model::Transaction;
using nlohmann::json;
using task::Awaitable;
using task::Call;
using vim::CustomFieldDef;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

constexpr std::string_view kFieldKind = "custom field";
constexpr std::string_view kValueKind = "custom value";
constexpr std::chrono::seconds kStoreLimit{60};

std::optional<std::int32_t> number_of(std::string_view text) {
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// The type that fields are for: an entity's, or none for all entities.
TypeId field_type(std::string_view name, std::string_view path) {
    const TypeId type = name.empty() ? TypeId::none : vim::find_type(name);
    if (!name.empty() && (type == TypeId::none || !vim::is_a(type, TypeId::ManagedEntity))) {
        throw vim::invalid_argument(path, fmt::format("{}: '{}' is no type of managed entities",
                                                      path, name.substr(0, 100)));
    }
    return type == TypeId::ManagedEntity ? TypeId::none : type;
}

TypeId type_of(const CustomFieldDef& field) {
    const auto name = field.managedObjectType();
    return name ? vim::find_type(*name) : TypeId::none;
}

}  // namespace

store::Record CustomFields::record_of(const CustomFieldDef& field) {
    store::Record record;
    record.kind = kFieldKind;
    record.id = std::to_string(field.key());
    record.name = field.name();
    record.value = service::to_stored(field.raw());
    return record;
}

store::Record CustomFields::record_of(const std::string& entity, const Values& values) {
    json texts = json::object();
    for (const auto& [key, text] : values) texts[std::to_string(key)] = text;
    store::Record record;
    record.kind = kValueKind;
    record.id = entity;
    record.value = texts.dump();
    return record;
}

Awaitable<void> CustomFields::load() {
    struct Stored {
        std::vector<store::Record> fields;
        std::vector<store::Record> values;
    };
    const auto stored = co_await context_.runtime.blocking(
        "store",
        [&store = context_.store] {
            return Stored{store.load(kFieldKind), store.load(kValueKind)};
        },
        kStoreLimit);
    for (const store::Record& record : stored.fields) {
        const Value value = service::from_stored(record.value);
        if (!value || value.type() != TypeId::CustomFieldDef) {
            // Its number stays taken; see next_key_ below.
            base::log_error("the record of custom field {} is damaged, left alone", record.id);
        } else {
            const CustomFieldDef field(value);
            fields_.insert_or_assign(field.key(), field);
        }
        next_key_ = std::max(next_key_, number_of(record.id).value_or(0) + 1);
    }
    for (const store::Record& record : stored.values) {
        const json texts = json::parse(record.value, nullptr, false);
        if (!texts.is_object()) {
            base::log_error("the custom values of {} are damaged, left alone", record.id);
            continue;
        }
        for (const auto& [key, text] : texts.items()) {
            const auto number = number_of(key);
            if (!number || !text.is_string()) continue;
            next_key_ = std::max(next_key_, *number + 1);
            if (fields_.contains(*number)) values_[record.id][*number] = text.get<std::string>();
        }
    }
}

Awaitable<void> CustomFields::start() {
    co_await load();
    const auto& self = references::custom_fields;
    Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    show_fields();
    show_all();
    subscription_ = context_.inventory.observe([this](const model::Delta& delta) {
        for (const ManagedObject* object : delta.created) {
            if (vim::is_a(object->type(), TypeId::ManagedEntity)) note(object->ref());
        }
        std::vector<std::string> gone;
        for (const auto& object : delta.destroyed) {
            if (values_.contains(object->id())) gone.push_back(object->id());
        }
        if (!gone.empty()) forget(std::move(gone));
    });
    serve();
}

bool CustomFields::applies(const CustomFieldDef& field, TypeId type) const {
    const TypeId wanted = type_of(field);
    return wanted == TypeId::none || vim::is_a(type, wanted);
}

Value CustomFields::fields_for(TypeId type) {
    Value& made = available_[type];
    if (made) return made;
    std::vector<Value> list;
    for (const auto& [key, field] : fields_) {
        if (applies(field, type)) list.push_back(field.raw());
    }
    made = Value::array(TypeId::CustomFieldDef, std::move(list));
    return made;
}

void CustomFields::show_fields() {
    available_.clear();
    std::vector<Value> list;
    for (const auto& [key, field] : fields_) list.push_back(field.raw());
    Transaction transaction(context_.inventory);
    transaction.set(references::custom_fields, property::CustomFieldsManager::field,
                    Value::array(TypeId::CustomFieldDef, std::move(list)));
    transaction.commit();
}

void CustomFields::show(Transaction& transaction, const ManagedObject& entity) {
    namespace shown = property::ManagedEntity;
    std::vector<Value> list;
    const auto known = values_.find(entity.id());
    if (known != values_.end()) {
        for (const auto& [key, text] : known->second) {
            auto value = vim::CustomFieldStringValue::make();
            value.set_key(key);
            value.set_value(text);
            list.push_back(value.raw());
        }
    }
    const Value values = Value::array(TypeId::CustomFieldValue, std::move(list));
    transaction.set(entity.ref(), shown::availableField, fields_for(entity.type()));
    transaction.set(entity.ref(), shown::value, values);
    transaction.set(entity.ref(), shown::customValue, values);
    // The summary of a machine and of a host says it again.
    const auto repeat = [&](model::PropertyIndex index) {
        Value summary = transaction.get(entity.ref(), index);
        if (!summary || summary.property("customValue") == values) return;
        if (!summary.property("customValue") && values.elements().empty()) return;
        set_property(summary, "customValue", values.elements().empty() ? Value{} : values);
        transaction.set(entity.ref(), index, summary);
    };
    if (entity.type() == TypeId::VirtualMachine) repeat(property::VirtualMachine::summary);
    if (entity.type() == TypeId::HostSystem) repeat(property::HostSystem::summary);
}

void CustomFields::show_all() {
    std::vector<const ManagedObject*> entities;
    context_.inventory.for_each([&entities](const ManagedObject& object) {
        if (vim::is_a(object.type(), TypeId::ManagedEntity)) entities.push_back(&object);
    });
    Transaction transaction(context_.inventory);
    for (const ManagedObject* entity : entities) show(transaction, *entity);
    transaction.commit();
}

// Nothing can be set while a commit is being told.
void CustomFields::note(const MoRef& entity) {
    if (new_entities_.empty()) {
        boost::asio::post(context_.runtime.strand(), [this] {
            Transaction transaction(context_.inventory);
            for (const MoRef& each : std::exchange(new_entities_, {})) {
                const ManagedObject* object = context_.inventory.find(each);
                if (object != nullptr) show(transaction, *object);
            }
            transaction.commit();
        });
    }
    new_entities_.push_back(entity);
}

void CustomFields::forget(std::vector<std::string> gone) {
    store::Batch batch;
    for (const std::string& entity : gone) {
        values_.erase(entity);
        batch.remove(std::string(kValueKind), entity);
    }
    context_.runtime.spawn("custom values of removed entities", commit(context_, std::move(batch)));
}

const CustomFieldDef& CustomFields::field(std::int32_t key) const {
    const auto known = fields_.find(key);
    if (known != fields_.end()) return known->second;
    throw vim::invalid_argument("key", fmt::format("key: there is no custom field {}", key));
}

// Names are unique among those that an entity can have at once.
void CustomFields::require_free_name(std::string_view name, TypeId type,
                                     std::int32_t except) const {
    for (const auto& [key, other] : fields_) {
        const TypeId others = type_of(other);
        const bool meets = others == type || others == TypeId::none || type == TypeId::none;
        if (key != except && meets && other.name() == name) {
            throw duplicate_name(name, references::custom_fields);
        }
    }
}

Awaitable<Value> CustomFields::add(Call call) {
    const auto request = call.arguments<vim::AddCustomFieldDefRequest>();
    const std::string name = checked_name(request.name(), "name");
    const TypeId type = field_type(request.moType().value_or(""), "moType");
    require_free_name(name, type, -1);
    if (fields_.size() >= kMostFields) {
        throw vim::invalid_argument("name",
                                    fmt::format("There may be {} custom fields.", kMostFields));
    }
    auto made = CustomFieldDef::make();
    made.set_key(next_key_++);
    made.set_name(name);
    made.set_type("xsd:string");
    if (type != TypeId::none) made.set_managedObjectType(vim::describe(type).name());
    const auto policy = [&](const Value& given) {
        if (given) return vim::PrivilegePolicyDef(given);
        auto common = vim::PrivilegePolicyDef::make();
        common.set_createPrivilege("Global.ManageCustomFields");
        common.set_readPrivilege("System.View");
        common.set_updatePrivilege("Global.ManageCustomFields");
        common.set_deletePrivilege("Global.ManageCustomFields");
        return common;
    };
    Value raw = made.raw();
    const auto set = [&raw](std::string_view at, const Value& value) {
        raw.set_slot(*vim::describe(TypeId::CustomFieldDef).find_property(at), value);
    };
    set("fieldDefPrivileges", policy(request.raw().property("fieldDefPolicy")).raw());
    set("fieldInstancePrivileges", policy(request.raw().property("fieldPolicy")).raw());
    made = CustomFieldDef(raw);
    co_await commit(context_, store::Batch().put(record_of(made)));
    fields_.insert_or_assign(made.key(), made);
    show_fields();
    show_all();
    auto event = vim::CustomFieldDefAddedEvent::make();
    event.set_fieldKey(made.key());
    event.set_name(name);
    context_.events.post(event, call.caller->user);
    base::log_info("audit: '{}' added the custom field '{}'", call.caller->user, name);
    co_return made.raw();
}

Awaitable<Value> CustomFields::rename(Call call) {
    const auto request = call.arguments<vim::RenameCustomFieldDefRequest>();
    CustomFieldDef changed = field(request.key());
    const std::string before(changed.name());
    const std::string name = checked_name(request.name(), "name");
    if (name == before) co_return Value{};
    require_free_name(name, type_of(changed), request.key());
    changed.set_name(name);
    co_await commit(context_, store::Batch().put(record_of(changed)));
    if (!fields_.contains(changed.key())) co_return Value{};
    fields_.insert_or_assign(changed.key(), changed);
    show_fields();
    show_all();
    auto event = vim::CustomFieldDefRenamedEvent::make();
    event.set_fieldKey(changed.key());
    event.set_name(before);
    event.set_newName(name);
    context_.events.post(event, call.caller->user);
    co_return Value{};
}

Awaitable<Value> CustomFields::remove(Call call) {
    const CustomFieldDef gone = field(call.arguments<vim::RemoveCustomFieldDefRequest>().key());
    const std::int32_t key = gone.key();
    store::Batch batch;
    batch.remove(std::string(kFieldKind), std::to_string(key));
    for (const auto& [entity, values] : values_) {
        if (!values.contains(key)) continue;
        Values left = values;
        left.erase(key);
        if (left.empty()) {
            batch.remove(std::string(kValueKind), entity);
        } else {
            batch.put(record_of(entity, left));
        }
    }
    co_await commit(context_, std::move(batch));
    fields_.erase(key);
    for (auto& [entity, values] : values_) values.erase(key);
    std::erase_if(values_, [](const auto& each) { return each.second.empty(); });
    show_fields();
    show_all();
    auto event = vim::CustomFieldDefRemovedEvent::make();
    event.set_fieldKey(key);
    event.set_name(gone.name());
    context_.events.post(event, call.caller->user);
    base::log_info("audit: '{}' removed the custom field '{}'", call.caller->user, gone.name());
    co_return Value{};
}

Awaitable<void> CustomFields::set(MoRef entity, std::int32_t key, std::string value,
                                  std::string user) {
    const CustomFieldDef about = field(key);
    const ManagedObject& object = context_.inventory.get(entity);
    const MoRef ref = object.ref();
    if (!vim::is_a(ref.type, TypeId::ManagedEntity) || !applies(about, ref.type)) {
        throw vim::invalid_argument("key",
                                    fmt::format("key: the field '{}' is not for a {}", about.name(),
                                                vim::describe(ref.type).name()));
    }
    if (value.size() > kMostValueBytes) {
        throw vim::invalid_argument("value",
                                    fmt::format("value: has more than {} bytes", kMostValueBytes));
    }
    Values values = values_[ref.id];
    const std::string before = values[key];
    // An empty text is no value.
    if (value.empty()) {
        values.erase(key);
    } else {
        values[key] = value;
    }
    store::Batch batch;
    if (values.empty()) {
        batch.remove(std::string(kValueKind), ref.id);
    } else {
        batch.put(record_of(ref.id, values));
    }
    values_[ref.id] = values;
    co_await commit(context_, std::move(batch));
    const ManagedObject* still = context_.inventory.find(ref);
    if (still == nullptr) throw vim::object_not_found(ref);
    Transaction transaction(context_.inventory);
    show(transaction, *still);
    transaction.commit();
    auto event = vim::CustomFieldValueChangedEvent::make();
    const Value& name = still->property(property::ManagedEntity::name);
    auto argument = vim::ManagedEntityEventArgument::make();
    argument.set_entity(ref);
    argument.set_name(name ? name.as_string() : "");
    event.set_entity(argument);
    event.set_fieldKey(key);
    event.set_name(about.name());
    event.set_value(value);
    if (!before.empty()) event.set_prevState(before);
    context_.events.post(event, user);
}

void CustomFields::serve() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("AddCustomFieldDef", [this](Call call) { return add(std::move(call)); });
    dispatcher.add("RenameCustomFieldDef", [this](Call call) { return rename(std::move(call)); });
    dispatcher.add("RemoveCustomFieldDef", [this](Call call) { return remove(std::move(call)); });
    dispatcher.add("SetField", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::SetFieldRequest>();
        co_await set(request.entity(), request.key(), std::string(request.value()),
                     call.caller->user);
        co_return Value{};
    });
    dispatcher.add("setCustomValue", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::setCustomValueRequest>();
        for (const auto& [key, about] : fields_) {
            if (about.name() != request.key() || !applies(about, call.self.type)) continue;
            const std::int32_t found = key;
            co_await set(call.self, found, std::string(request.value()), call.caller->user);
            co_return Value{};
        }
        throw vim::invalid_argument(
            "key", fmt::format("key: there is no custom field '{}'", request.key().substr(0, 100)));
    });
}

}  // namespace drover::center
