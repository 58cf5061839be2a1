#include "center/mirror/host_picture.hpp"

#include <algorithm>
#include <unordered_set>

#include "center/mirror/apply_change.hpp"

namespace drover::center {

using model::PropertyIndex;
using vim::TypeId;
using vim::Value;

namespace {

/// A hostile host must not fill the center's memory.
constexpr std::size_t kMostObjects = 200'000;

void apply_properties(PictureObject& object, const vim::ObjectUpdate& update,
                      std::vector<PropertyIndex>& touched) {
    const auto& descriptor = vim::describe(object.ref.type);
    for (const vim::PropertyChange each : update.changeSet()) {
        const std::string_view path = each.name();
        const std::size_t end = std::min(path.find_first_of(".["), path.size());
        const auto index = descriptor.find_property(path.substr(0, end));
        if (!index) continue;
        Value& property = object.properties[*index];
        property = apply_change(property, descriptor.properties()[*index], path.substr(end),
                                each.op(), each.val());
        if (std::ranges::find(touched, *index) == touched.end()) touched.push_back(*index);
    }
}

}  // namespace

PictureChange HostPicture::apply(const vim::PropertyFilterUpdate& update, bool is_whole) {
    PictureChange change;
    std::unordered_set<std::string> seen;
    for (const vim::ObjectUpdate each : update.objectSet()) {
        if (is_whole) seen.insert(each.obj().id);
        apply_object(each, is_whole, change);
    }
    if (!is_whole) return change;
    for (auto at = objects_.begin(); at != objects_.end();) {
        if (seen.contains(at->first)) {
            ++at;
            continue;
        }
        change.left.push_back(at->second.ref);
        at = objects_.erase(at);
    }
    return change;
}

void HostPicture::apply_object(const vim::ObjectUpdate& update, bool is_whole,
                               PictureChange& change) {
    const vim::MoRef ref = update.obj();
    if (vim::describe(ref.type).kind != vim::TypeKind::managed) return;
    auto found = objects_.find(ref.id);
    if (update.kind() == vim::ObjectUpdateKind::leave) {
        if (found == objects_.end()) return;
        objects_.erase(found);
        change.left.push_back(ref);
        return;
    }
    const bool entered =
        is_whole || found == objects_.end() || update.kind() == vim::ObjectUpdateKind::enter;
    if (found == objects_.end()) {
        if (objects_.size() >= kMostObjects) return;
        found = objects_.emplace(ref.id, PictureObject{ref, {}}).first;
    }
    PictureObject& object = found->second;
    // Objects that enter tell everything: what they don't tell is unset.
    if (entered) object.properties.clear();
    object.ref = ref;
    object.properties.resize(vim::describe(ref.type).properties().size());
    std::vector<PropertyIndex> touched;
    apply_properties(object, update, touched);
    change.touched.push_back({&object, entered, std::move(touched)});
}

const PictureObject* HostPicture::find(std::string_view id) const {
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : &found->second;
}

}  // namespace drover::center
