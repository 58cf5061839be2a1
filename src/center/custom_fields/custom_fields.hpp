#pragma once

// CustomFieldsManager: fields that administrators define, and what they hold for each entity.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "center/context.hpp"
#include "vim/inventory_types.hpp"

namespace drover::center {

/// Belongs to the strand.
class CustomFields {
public:
    static constexpr std::size_t kMostFields = 1'000;
    static constexpr std::size_t kMostValueBytes = 4'096;

    explicit CustomFields(const CenterBasics& context) : context_(context) {}
    CustomFields(const CustomFields&) = delete;
    CustomFields& operator=(const CustomFields&) = delete;

    /// Reads what is stored, makes the managed object and serves it.
    task::Awaitable<void> start();

private:
    using Values = std::map<std::int32_t, std::string>;  // by the field's key

    // Storing.
    static store::Record record_of(const vim::CustomFieldDef& field);
    static store::Record record_of(const std::string& entity, const Values& values);
    task::Awaitable<void> load();

    // Showing.
    void show_fields();
    void show_all();
    void show(model::Transaction& transaction, const model::ManagedObject& entity);
    void note(const vim::MoRef& entity);
    void forget(std::vector<std::string> gone);
    vim::Value fields_for(vim::TypeId type);
    bool applies(const vim::CustomFieldDef& field, vim::TypeId type) const;

    // Methods.
    task::Awaitable<vim::Value> add(task::Call call);
    task::Awaitable<vim::Value> rename(task::Call call);
    task::Awaitable<vim::Value> remove(task::Call call);
    task::Awaitable<void> set(vim::MoRef entity, std::int32_t key, std::string value,
                              std::string user);
    const vim::CustomFieldDef& field(std::int32_t key) const;
    void require_free_name(std::string_view name, vim::TypeId type, std::int32_t except) const;
    void serve();

    const CenterBasics& context_;
    std::map<std::int32_t, vim::CustomFieldDef> fields_;
    std::int32_t next_key_ = 1;
    std::map<std::string, Values> values_;         // by the entity's id
    std::map<vim::TypeId, vim::Value> available_;  // made once for each type
    std::vector<vim::MoRef> new_entities_;
    model::Subscription subscription_;
};

}  // namespace drover::center
