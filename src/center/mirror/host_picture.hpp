#pragma once

// What a host says of itself: its objects, under its own references and with its own values, as its
// update stream tells them. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/inventory.hpp"
#include "vim/types.hpp"

namespace drover::center {

struct PictureObject {
    vim::MoRef ref;
    std::vector<vim::Value> properties;  ///< by model::PropertyIndex

    const vim::Value& property(model::PropertyIndex index) const { return properties[index]; }
};

/// What an update changed.
struct PictureChange {
    struct Touched {
        const PictureObject* object;
        bool entered;                                  ///< then all of its properties count
        std::vector<model::PropertyIndex> properties;  ///< otherwise these
    };
    std::vector<Touched> touched;
    std::vector<vim::MoRef> left;
};

class HostPicture {
public:
    /// Takes an update in. A whole picture replaces everything: what it does not have has left.
    /// Objects and properties that the schema does not know are passed over.
    PictureChange apply(const vim::PropertyFilterUpdate& update, bool is_whole);

    const PictureObject* find(std::string_view id) const;
    std::size_t size() const { return objects_.size(); }
    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& [_, object] : objects_) visit(object);
    }

private:
    struct IdHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view id) const {
            return std::hash<std::string_view>{}(id);
        }
    };

    void apply_object(const vim::ObjectUpdate& update, bool is_whole, PictureChange& change);

    std::unordered_map<std::string, PictureObject, IdHash, std::equal_to<>> objects_;
};

}  // namespace drover::center
