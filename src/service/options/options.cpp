#include "service/options/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/log.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using task::Awaitable;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::string_view kKind = "option";
constexpr std::chrono::seconds kStoreLimit{30};
constexpr std::size_t kMostChanges = 1000;
// Of a value, in the log: some are long.
constexpr std::size_t kMostAudited = 200;

std::string stored_text(const Value& value) {
    if (value.kind() == ValueKind::boolean) return value.as_boolean() ? "true" : "false";
    if (value.kind() == ValueKind::int_) return std::to_string(value.as_integer());
    return std::string(value.as_string());
}

// The default where what is stored is none of the option's values (any more).
Value from_stored(const OptionDefinition& definition, const std::string& text) {
    try {
        Value value;
        switch (definition.initial.kind()) {
            case ValueKind::boolean:
                value = Value::boolean(text == "true");
                break;
            case ValueKind::int_:
                value = Value::int_(std::stoi(text));
                break;
            default:
                value = Value::string(text);
        }
        return checked_option_value(definition, value, definition.key);
    } catch (const std::exception& error) {
        base::log_warning("the stored option {} is not used: {}", definition.key, error.what());
        return definition.initial;
    }
}

vim::OptionValue make_value(const std::string& key, const Value& value) {
    auto made = vim::OptionValue::make();
    made.set_key(key);
    made.set_value(value);
    return made;
}

vim::OptionType make_type(const OptionDefinition& definition) {
    const auto finished = [&](auto made) -> vim::OptionType {
        made.set_valueIsReadonly(definition.read_only);
        return made;
    };
    if (definition.initial.kind() == ValueKind::boolean) {
        auto made = vim::BoolOption::make();
        made.set_supported(!definition.read_only);
        made.set_defaultValue(definition.initial.as_boolean());
        return finished(made);
    }
    if (definition.initial.kind() == ValueKind::int_) {
        auto made = vim::IntOption::make();
        made.set_min(definition.least);
        made.set_max(definition.most);
        made.set_defaultValue(static_cast<std::int32_t>(definition.initial.as_integer()));
        return finished(made);
    }
    if (definition.choices.empty()) {
        auto made = vim::StringOption::make();
        made.set_defaultValue(definition.initial.as_string());
        return finished(made);
    }
    auto made = vim::ChoiceOption::make();
    std::vector<vim::ElementDescription> choices;
    for (const auto& choice : definition.choices) {
        auto each = vim::ElementDescription::make();
        each.set_key(choice);
        each.set_label(choice);
        each.set_summary(choice);
        choices.push_back(std::move(each));
    }
    made.set_choiceInfo(choices);
    const auto at = std::ranges::find(definition.choices, definition.initial.as_string());
    made.set_defaultIndex(static_cast<std::int32_t>(at - definition.choices.begin()));
    return finished(made);
}

vim::OptionDef make_definition(const OptionDefinition& definition) {
    auto made = vim::OptionDef::make();
    made.set_key(definition.key);
    made.set_label(definition.label);
    made.set_summary(definition.summary);
    made.set_optionType(make_type(definition));
    return made;
}

vim::Fault unknown_option(std::string_view name) {
    auto fault = vim::InvalidName::make();
    fault.set_name(name);
    return vim::Fault(fault, fmt::format("There is no option '{}'.", name));
}

}  // namespace

bool option_matches(std::string_view name, std::string_view key) {
    if (name.empty() || name == key) return true;
    if (name.ends_with('.')) return key.starts_with(name);
    return key.size() > name.size() && key.starts_with(name) && key[name.size()] == '.';
}

Value checked_option_value(const OptionDefinition& definition, const Value& value,
                           const std::string& path) {
    const auto refuse = [&](std::string reason) -> vim::Fault {
        return vim::invalid_argument(path,
                                     fmt::format("The option {} {}.", definition.key, reason));
    };
    const auto kind = value.kind();
    if (definition.initial.kind() == ValueKind::boolean) {
        if (kind != ValueKind::boolean) throw refuse("takes a boolean");
        return value;
    }
    if (definition.initial.kind() == ValueKind::int_) {
        const bool integer = kind == ValueKind::byte_ || kind == ValueKind::short_ ||
                             kind == ValueKind::int_ || kind == ValueKind::long_;
        if (!integer) throw refuse("takes an int");
        const std::int64_t number = value.as_integer();
        if (number < definition.least || number > definition.most) {
            throw refuse(fmt::format("takes {} to {}", definition.least, definition.most));
        }
        return Value::int_(static_cast<std::int32_t>(number));
    }
    if (kind != ValueKind::string) throw refuse("takes a string");
    if (!definition.choices.empty()) {
        if (std::ranges::find(definition.choices, value.as_string()) == definition.choices.end()) {
            throw refuse(fmt::format("takes one of: {}", fmt::join(definition.choices, ", ")));
        }
    } else if (value.as_string().size() > static_cast<std::size_t>(definition.most)) {
        throw refuse(fmt::format("takes at most {} bytes", definition.most));
    }
    return value;
}

void Options::define(OptionDefinition definition) {
    const std::string key = definition.key;
    const Value initial = definition.initial;
    const bool added = entries_.emplace(key, Entry{std::move(definition), initial}).second;
    DROVER_CHECK(added);
}

const Value& Options::value(std::string_view key) const {
    const auto at = entries_.find(key);
    DROVER_CHECK(at != entries_.end());
    return at->second.value;
}

Awaitable<void> Options::start() {
    const auto stored = co_await parts_.runtime.blocking(
        "store", [this] { return parts_.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : stored) {
        const auto at = entries_.find(record.id);
        if (at == entries_.end() || at->second.definition.read_only) continue;
        at->second.value = from_stored(at->second.definition, record.value);
    }
    for (const auto& [key, entry] : entries_) {
        if (!entry.definition.apply) continue;
        try {
            entry.definition.apply(entry.value);
        } catch (const std::exception& error) {
            base::log_warning("option {}: {}", key, error.what());
        }
    }
    const auto& self = parts_.manager;
    model::Transaction transaction(parts_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    show();
    serve_methods();
}

void Options::show() {
    std::vector<vim::OptionValue> values;
    std::vector<vim::OptionDef> definitions;
    std::vector<Value> raw_values;
    std::vector<Value> raw_definitions;
    for (const auto& [key, entry] : entries_) {
        values.push_back(make_value(key, entry.value));
        definitions.push_back(make_definition(entry.definition));
        raw_values.push_back(values.back().raw());
        raw_definitions.push_back(definitions.back().raw());
    }
    namespace property = vim::property::OptionManager;
    model::Transaction transaction(parts_.inventory);
    transaction.set(parts_.manager, property::setting,
                    Value::array(TypeId::OptionValue, std::move(raw_values)));
    transaction.set(parts_.manager, property::supportedOption,
                    Value::array(TypeId::OptionDef, std::move(raw_definitions)));
    if (parts_.on_show) parts_.on_show(transaction, values, definitions);
    transaction.commit();
}

void Options::serve_methods() {
    parts_.dispatcher.add_direct("QueryOptions",
                                 [this](const task::Call& call) { return query(call); });
    parts_.dispatcher.add("UpdateOptions",
                          [this](task::Call call) { return update(std::move(call)); });
}

Value Options::query(const task::Call& call) const {
    const auto name = call.arguments<vim::QueryOptionsRequest>().name().value_or("");
    std::vector<Value> found;
    for (const auto& [key, entry] : entries_) {
        if (option_matches(name, key)) found.push_back(make_value(key, entry.value).raw());
    }
    if (found.empty()) throw unknown_option(name);
    return Value::array(TypeId::OptionValue, std::move(found));
}

Options::Change Options::checked(const vim::OptionValue& asked, std::size_t index) {
    const auto at = entries_.find(asked.key());
    if (at == entries_.end()) throw unknown_option(asked.key());
    Entry& entry = at->second;
    const std::string path = fmt::format("changedValue[{}].value", index);
    if (entry.definition.read_only) {
        throw vim::invalid_argument(
            fmt::format("changedValue[{}].key", index),
            fmt::format("The option {} can't be changed.", entry.definition.key));
    }
    Value value = checked_option_value(entry.definition, asked.value(), path);
    if (entry.definition.check) entry.definition.check(value);
    return {&entry, std::move(value)};
}

// All or nothing: every change is checked, stored with the others in one batch, then applied.
Awaitable<Value> Options::update(task::Call call) {
    const auto request = call.arguments<vim::UpdateOptionsRequest>();
    if (request.changedValue().size() > kMostChanges) {
        throw vim::invalid_argument("changedValue", "These are too many options at once.");
    }
    std::vector<Change> changes;
    store::Batch batch;
    for (const auto& asked : request.changedValue()) {
        changes.push_back(checked(asked, changes.size()));
        store::Record record;
        record.kind = kKind;
        record.id = changes.back().entry->definition.key;
        record.value = stored_text(changes.back().value);
        batch.put(std::move(record));
    }
    if (changes.empty()) co_return Value{};
    co_await parts_.runtime.blocking(
        "store", [this, batch] { parts_.store.commit_and_wait(batch); }, kStoreLimit);
    for (const Change& change : changes) {
        change.entry->value = change.value;
        base::log_info("audit: '{}' sets option {} to '{}'", call.caller->user,
                       change.entry->definition.key,
                       stored_text(change.value).substr(0, kMostAudited));
    }
    show();
    // Last, so that what follows from two options sees both.
    for (const Change& change : changes) {
        if (change.entry->definition.apply) change.entry->definition.apply(change.value);
    }
    co_return Value{};
}

}  // namespace drover::service
