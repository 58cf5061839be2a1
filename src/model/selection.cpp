#include "model/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>

#include "base/check.hpp"
#include "vim/fault.hpp"

namespace drover::model {
namespace {

using vim::TypeKind;
using vim::ValueKind;

constexpr int kMaxSpecDepth = 32;

TypeId managed_type(std::string_view name) {
    const TypeId type = vim::find_type(name);
    if (type == TypeId::none || vim::describe(type).kind != TypeKind::managed) {
        auto fault = vim::InvalidType::make();
        fault.set_argument(name.substr(0, 200));
        throw vim::Fault(fault,
                         fmt::format("There is no managed object type '{}'.", name.substr(0, 200)));
    }
    return type;
}

int depth_of(TypeId type) {
    int depth = 0;
    for (; type != TypeId::none; type = vim::describe(type).base) ++depth;
    return depth;
}

void spend(std::size_t& budget, const char* argument, const char* what) {
    if (budget == 0) {
        throw vim::invalid_argument(argument, fmt::format("The request has too many {}.", what));
    }
    --budget;
}

}  // namespace

class Selection::Compiler {
public:
    Compiler(Selection& selection, SpecBudget& budget) : selection_(selection), budget_(budget) {}

    void compile(const vim::PropertyFilterSpec& spec) {
        for (const auto& properties : spec.propSet()) add_properties(properties);
        for (const auto& start : spec.objectSet()) add_start(start);
        for (const auto& pending : pending_) resolve(pending);
    }

private:
    using Names = std::unordered_map<std::string, std::size_t>;
    // A place in which a named traversal belongs. The name may be defined further on.
    struct Pending {
        bool in_start;
        std::size_t index;     // of the start or node whose `next` it is
        std::size_t position;  // in that list
        std::size_t scope;
        std::string name;
    };

    void add_properties(const vim::PropertySpec& spec) {
        spend(budget_.specs, "specSet.propSet", "property specifications");
        Properties made{managed_type(spec.type()), spec.all().value_or(false), {}};
        if (!made.all) {
            for (const auto path : spec.pathSet()) {
                spend(budget_.paths, "specSet.propSet.pathSet", "property paths");
                made.paths.push_back(PropertyPath::parse(made.type, path, selection_.release_));
            }
        }
        selection_.properties_.push_back(std::move(made));
    }

    void add_start(const vim::ObjectSpec& spec) {
        spend(budget_.starting_objects, "specSet.objectSet", "starting objects");
        const std::size_t index = selection_.starts_.size();
        scopes_.emplace_back();
        selection_.starts_.push_back({spec.obj(), spec.skip().value_or(false), {}});
        auto next = read_set(spec.selectSet(), true, index, 0);
        selection_.starts_[index].next = std::move(next);
    }

    std::vector<std::size_t> read_set(const vim::ArrayView<vim::SelectionSpec>& set, bool in_start,
                                      std::size_t owner, int depth) {
        std::vector<std::size_t> next;
        for (const auto& each : set) {
            if (const auto traversal = each.as<vim::TraversalSpec>()) {
                next.push_back(add_node(traversal, depth));
                continue;
            }
            const auto name = each.name();
            if (!name) {
                throw vim::invalid_argument("specSet.objectSet.selectSet.name",
                                            "A selection that is no traversal needs a name.");
            }
            spend(budget_.specs, "specSet.objectSet.selectSet", "selections");
            pending_.push_back(
                {in_start, owner, next.size(), scopes_.size() - 1, std::string(*name)});
            next.push_back(0);
        }
        return next;
    }

    std::size_t add_node(const vim::TraversalSpec& spec, int depth) {
        spend(budget_.specs, "specSet.objectSet.selectSet", "selections");
        if (depth >= kMaxSpecDepth) {
            throw vim::invalid_argument(
                "specSet.objectSet.selectSet",
                fmt::format("Selections are nested deeper than {} levels.", kMaxSpecDepth));
        }
        const TypeId type = managed_type(spec.type());
        auto path = PropertyPath::parse(type, spec.path(), selection_.release_);
        if (!path.may_hold_references()) throw vim::invalid_property(spec.path());
        const std::size_t index = selection_.nodes_.size();
        selection_.nodes_.push_back({type, std::move(path), spec.skip().value_or(false), {}});
        // Where a name is given twice the first one counts.
        if (const auto name = spec.name()) {
            scopes_.back().emplace(*name, index);
            everywhere_.emplace(*name, index);
        }
        auto next = read_set(spec.selectSet(), false, index, depth + 1);
        selection_.nodes_[index].next = std::move(next);
        return index;
    }

    // Names count within their starting object first, then within the whole spec.
    void resolve(const Pending& pending) {
        const Names& scope = scopes_[pending.scope];
        auto found = scope.find(pending.name);
        if (found == scope.end()) {
            found = everywhere_.find(pending.name);
            if (found == everywhere_.end()) {
                throw vim::invalid_argument("specSet.objectSet.selectSet.name",
                                            fmt::format("There is no traversal of the name '{}'.",
                                                        pending.name.substr(0, 200)));
            }
        }
        auto& next = pending.in_start ? selection_.starts_[pending.index].next
                                      : selection_.nodes_[pending.index].next;
        next[pending.position] = found->second;
    }

    Selection& selection_;
    SpecBudget& budget_;
    std::vector<Names> scopes_;
    Names everywhere_;
    std::vector<Pending> pending_;
};

Selection Selection::compile(const vim::PropertyFilterSpec& spec, Release release,
                             SpecBudget& budget) {
    Selection selection;
    selection.release_ = release;
    selection.reports_missing_ = spec.reportMissingObjectsInResults().value_or(false);
    selection.max_objects_ = budget.objects;
    Compiler(selection, budget).compile(spec);
    return selection;
}

const TypePlan& Selection::plan(TypeId type) const {
    const auto found = plans_.find(type);
    if (found != plans_.end()) return found->second;
    return plans_.emplace(type, make_plan(type)).first->second;
}

void Selection::use_release(Release release) {
    if (release == release_) return;
    release_ = release;
    plans_.clear();
}

void Selection::add_path(TypePlan& plan, TypeId type, const PropertyPath& path) {
    const auto root = std::ranges::find(plan.roots, path.root(), &SelectedRoot::property);
    const auto index = static_cast<std::size_t>(root - plan.roots.begin());
    if (root == plan.roots.end()) {
        const auto privilege = vim::describe(type).properties()[path.root()].privilege();
        const auto known = std::ranges::find(plan.privileges, privilege);
        plan.roots.push_back(
            {path.root(), static_cast<std::size_t>(known - plan.privileges.begin())});
        if (known == plan.privileges.end()) plan.privileges.push_back(privilege);
        DROVER_CHECK(plan.privileges.size() <= 64);
        plan.watched.set(path.root());
    }
    plan.paths.push_back({path, Value::string(path.text()), index});
}

TypePlan Selection::make_plan(TypeId type) const {
    const auto descriptors = vim::describe(type).properties();
    DROVER_CHECK(descriptors.size() <= kMaxProperties);
    TypePlan plan;
    std::vector<const Properties*> matching;
    for (const auto& each : properties_) {
        if (vim::is_a(type, each.type)) matching.push_back(&each);
    }
    plan.selectable = !matching.empty();
    std::ranges::sort(matching, {}, [](const Properties* each) {
        return std::pair(-depth_of(each->type), each);  // by address: in the client's order
    });

    std::unordered_set<std::string_view> seen;
    const auto add = [&](const PropertyPath& path) {
        if (path.since() > release_ || seen.contains(path.text())) return;
        add_path(plan, type, path);
        seen.insert(plan.paths.back().name.as_string());
    };
    for (const Properties* each : matching) {
        if (each->all) {
            for (std::size_t i = 0; i < descriptors.size(); ++i) {
                if (descriptors[i].since() > release_) continue;
                add(PropertyPath::of_property(type, static_cast<PropertyIndex>(i)));
            }
        }
        for (const auto& path : each->paths) add(path);
    }
    for (const Node& node : nodes_) {
        plan.applies.push_back(vim::is_a(type, node.type));
        if (plan.applies.back()) plan.traversed.set(node.path.root());
    }
    return plan;
}

void Selection::check_starts(const Inventory& inventory, const Reader& reader) const {
    for (const Start& start : starts_) {
        const ManagedObject* object = inventory.find(start.object);
        if (!object || !is_visible(*object, reader)) throw vim::object_not_found(start.object);
    }
}

vim::Fault Selection::too_many_objects() const {
    return vim::invalid_argument(
        "specSet", fmt::format("The selection meets more than {} objects.", max_objects_));
}

std::span<const Value> references_in(const Value& value) {
    if (value.kind() == ValueKind::moref) return {&value, 1};
    return value.kind() == ValueKind::array ? value.elements() : std::span<const Value>{};
}

PrivilegeSet forbidden(const TypePlan& plan, const ManagedObject& object, const Reader& reader) {
    if (!object.owner().empty()) return 0;  // seen at all means owned
    PrivilegeSet found = 0;
    for (std::size_t i = 0; i < plan.privileges.size(); ++i) {
        if (!reader.may_read(object, plan.privileges[i])) found |= PrivilegeSet{1} << i;
    }
    return found;
}

}  // namespace drover::model
