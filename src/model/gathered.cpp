#include "model/gathered.hpp"

#include "model/content.hpp"

namespace drover::model {

void Gathered::add(const ManagedObject& object, const TypePlan& plan, const Reader& reader) {
    const PrivilegeSet denied = forbidden(plan, object, reader);
    objects_.push_back({object.reference(), &plan, denied, roots_.size()});
    for (const SelectedRoot& root : plan.roots) {
        if ((denied >> root.privilege & 1U) != 0) {
            roots_.emplace_back();
        } else {
            roots_.push_back(object.read(root.property, reader));
        }
    }
}

Value Gathered::make_content(const Object& object) const {
    std::vector<Value> properties;
    std::vector<Value> missing;
    properties.reserve(object.plan->paths.size());
    for (const SelectedPath& path : object.plan->paths) {
        if ((object.forbidden & object.plan->privilege_bit(path)) != 0) {
            missing.push_back(make_missing(object.reference.as_moref(), *object.plan, path).raw());
            continue;
        }
        Value value = path.path.evaluate(roots_[object.first_root + path.root]);
        if (value) properties.push_back(make_property(path.name, std::move(value)));
    }
    return make_object_content(object.reference, std::move(properties), std::move(missing));
}

Value Gathered::contents() const {
    std::vector<Value> made;
    made.reserve(objects_.size());
    for (const Object& object : objects_) made.push_back(make_content(object));
    return Value::array(TypeId::ObjectContent, std::move(made));
}

Value Gathered::result() const {
    return make_retrieve_result(contents(), token_);
}

void Gathered::write_object(vim::SoapContents& out, const Object& object) const {
    out.begin_object(object.reference);
    for (const SelectedPath& path : object.plan->paths) {
        if ((object.forbidden & object.plan->privilege_bit(path)) != 0) continue;
        const Value value = path.path.evaluate(roots_[object.first_root + path.root]);
        if (value) out.property(path.path.text(), value);
    }
    if (object.forbidden != 0) {
        for (const SelectedPath& path : object.plan->paths) {
            if ((object.forbidden & object.plan->privilege_bit(path)) == 0) continue;
            out.missing(make_missing(object.reference.as_moref(), *object.plan, path).raw());
        }
    }
    out.end_object();
}

bool Gathered::write(vim::SoapContents& out, std::size_t& position, std::size_t bytes) const {
    // Values lie anywhere in memory: they are asked for some objects ahead.
    constexpr std::size_t ahead = 4;
    while (position < objects_.size() && out.size() < bytes) {
        if (position + ahead < objects_.size()) {
            const Object& later = objects_[position + ahead];
            later.reference.prefetch();
            for (std::size_t root = 0; root < later.plan->roots.size(); ++root) {
                roots_[later.first_root + root].prefetch();
            }
        }
        write_object(out, objects_[position++]);
    }
    if (position < objects_.size()) return false;
    out.end();
    return true;
}

}  // namespace drover::model
