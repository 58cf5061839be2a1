#pragma once

// OptionManager: settings of a server by name.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"
#include "vim/management_types.hpp"

namespace drover::service {

/// One option. Its type is that of `initial`: a boolean, an int or a string.
struct OptionDefinition {
    std::string key;  ///< "Config.HostAgent.log.level"
    std::string label;
    std::string summary;
    vim::Value initial;
    std::int32_t least = 0;            ///< of an int
    std::int32_t most = 0;             ///< of an int; of a string its length in bytes
    std::vector<std::string> choices;  ///< of a string; empty: any text
    bool read_only = false;
    /// Throws what speaks against a value of the right type, before anything is stored; on the
    /// strand. Unset: nothing does.
    std::function<void(const vim::Value&)> check{};
    /// Puts a value to effect; called on the strand at the start and after each change, when
    /// value() tells the new ones already.
    std::function<void(const vim::Value&)> apply;
};

/// Belongs to the strand.
class Options {
public:
    struct Parts {
        task::Runtime& runtime;
        model::Inventory& inventory;
        task::Dispatcher& dispatcher;
        store::Store& store;
        vim::MoRef manager;
        /// Called within each transaction that shows the options, to show them elsewhere as well.
        std::function<void(model::Transaction&, const std::vector<vim::OptionValue>&,
                           const std::vector<vim::OptionDef>&)>
            on_show{};
    };

    explicit Options(Parts parts) : parts_(std::move(parts)) {}

    /// Adds an option. Before start(). A key that is there already aborts.
    void define(OptionDefinition definition);

    /// Reads what was stored, puts every option to effect, makes the managed object and serves it.
    task::Awaitable<void> start();

    /// The option's value now. An unknown key aborts.
    const vim::Value& value(std::string_view key) const;
    std::string text(std::string_view key) const { return std::string(value(key).as_string()); }
    std::int32_t number(std::string_view key) const {
        return static_cast<std::int32_t>(value(key).as_integer());
    }

private:
    struct Entry {
        OptionDefinition definition;
        vim::Value value;
    };
    struct Change {
        Entry* entry;
        vim::Value value;
    };

    void serve_methods();
    void show();
    vim::Value query(const task::Call& call) const;
    task::Awaitable<vim::Value> update(task::Call call);
    Change checked(const vim::OptionValue& asked, std::size_t index);

    Parts parts_;
    std::map<std::string, Entry, std::less<>> entries_;
};

/// The value as the option has it, or InvalidArgument that names `path` and the reason: another
/// type, out of range, no choice. Any integer type will do for an int.
vim::Value checked_option_value(const OptionDefinition& definition, const vim::Value& value,
                                const std::string& path);

/// True if a query for `name` means this key: the key itself, a node above it ("Config.HostAgent"),
/// or such a node with a dot at its end; an empty name means all.
bool option_matches(std::string_view name, std::string_view key);

}  // namespace drover::service
