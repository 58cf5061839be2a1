#include "model/property_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "model/property_path.hpp"

namespace drover::model {
namespace {

using vim::PropertyChangeOp;
using vim::ValueKind;

// Deeper differences are told as an assignment of the whole.
constexpr int kMaxDepth = 16;

class Differ {
public:
    explicit Differ(Release release) : release_(release) {}

    void compare(const std::string& path, const Value& before, const Value& after, int depth) {
        if (before.same_content(after) || before == after) return;
        const bool nested =
            depth < kMaxDepth && before.kind() == after.kind() && before.type() == after.type();
        if (nested && before.kind() == ValueKind::object) {
            compare_objects(path, before, after, depth);
        } else if (nested && before.kind() == ValueKind::array) {
            compare_arrays(path, before, after, depth);
        } else {
            assign(path, after);
        }
    }

    std::vector<NestedChange> take() { return std::move(changes_); }

private:
    void assign(const std::string& path, const Value& after) {
        changes_.push_back({path, PropertyChangeOp::assign, after});
    }

    void compare_objects(const std::string& path, const Value& before, const Value& after,
                         int depth) {
        const auto properties = vim::describe(after.type()).properties();
        for (std::size_t i = 0; i < properties.size(); ++i) {
            if (properties[i].since() > release_) continue;
            compare(fmt::format("{}.{}", path, properties[i].name()), before.slots()[i],
                    after.slots()[i], depth + 1);
        }
    }

    // Removals, then changes of what stays, then additions at the end. Where that does not give
    // the new order, where an element has no key, or two have the same, the array goes as a whole.
    void compare_arrays(const std::string& path, const Value& before, const Value& after,
                        int depth) {
        const auto old_keys = keys_of(before);
        const auto new_keys = keys_of(after);
        if (!old_keys || !new_keys) return assign(path, after);
        std::unordered_map<std::string_view, std::size_t> old_index;
        for (std::size_t i = 0; i < old_keys->size(); ++i) old_index.emplace((*old_keys)[i], i);

        std::vector<std::pair<std::size_t, std::size_t>> staying;
        std::vector<std::size_t> added;
        std::unordered_set<std::size_t> kept;
        std::size_t last_old = 0;
        for (std::size_t i = 0; i < new_keys->size(); ++i) {
            const auto found = old_index.find((*new_keys)[i]);
            if (found == old_index.end()) {
                added.push_back(i);
                continue;
            }
            if (!added.empty() || (!staying.empty() && found->second < last_old)) {
                return assign(path, after);
            }
            last_old = found->second;
            staying.emplace_back(found->second, i);
            kept.insert(found->second);
        }
        for (std::size_t i = 0; i < old_keys->size(); ++i) {
            if (!kept.contains(i)) {
                changes_.push_back(
                    {element_path(path, (*old_keys)[i]), PropertyChangeOp::remove, {}});
            }
        }
        for (const auto& [from, to] : staying) {
            compare(element_path(path, (*new_keys)[to]), before.elements()[from],
                    after.elements()[to], depth + 1);
        }
        for (const std::size_t i : added) {
            changes_.push_back(
                {element_path(path, (*new_keys)[i]), PropertyChangeOp::add, after.elements()[i]});
        }
    }

    static std::string element_path(const std::string& path, const std::string& key) {
        return fmt::format("{}[{}]", path, key);
    }

    static std::optional<std::vector<std::string>> keys_of(const Value& array) {
        std::vector<std::string> keys;
        std::unordered_set<std::string> seen;
        keys.reserve(array.elements().size());
        for (const Value& element : array.elements()) {
            auto key = element_key(element);
            if (!key || !seen.insert(*key).second) return std::nullopt;
            keys.push_back(std::move(*key));
        }
        return keys;
    }

    Release release_;
    std::vector<NestedChange> changes_;
};

}  // namespace

std::vector<NestedChange> diff(std::string_view path, const Value& old_value,
                               const Value& new_value, Release release) {
    Differ differ(release);
    differ.compare(std::string(path), old_value, new_value, 0);
    return differ.take();
}

}  // namespace drover::model
