#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/selection.hpp"
#include "vim/soap.hpp"

namespace drover::model {

/// Objects and the values of their properties, as a retrieval read them: copies of references,
/// which is all that has to happen on the strand. The answer's data objects are made of it on any
/// thread; nested paths are walked only there.
class Gathered {
public:
    // Filled on the strand.

    /// Keeps the plans alive that add() gets.
    void hold(std::shared_ptr<const Selection> selection) {
        selections_.push_back(std::move(selection));
    }
    void reserve(std::size_t objects) { objects_.reserve(objects); }
    void add(const ManagedObject& object, const TypePlan& plan, const Reader& reader);
    void set_token(std::string token) { token_ = std::move(token); }

    // Read on any thread.

    std::size_t size() const { return objects_.size(); }
    /// More is to be had with it, if it is not empty.
    const std::string& token() const { return token_; }
    /// An array of ObjectContent: set properties in propSet, forbidden ones in missingSet.
    Value contents() const;
    /// A RetrieveResult.
    Value result() const;
    /// Writes the same straight away, from the object at `position` on until `out` has so many
    /// bytes, and moves `position` on. True if the answer is complete, its end included.
    bool write(vim::SoapContents& out, std::size_t& position, std::size_t bytes) const;

private:
    struct Object {
        Value reference;
        const TypePlan* plan;
        PrivilegeSet forbidden;
        std::size_t first_root;  // in roots_
    };
    Value make_content(const Object& object) const;
    void write_object(vim::SoapContents& out, const Object& object) const;

    std::vector<std::shared_ptr<const Selection>> selections_;
    std::vector<Object> objects_;
    std::vector<Value> roots_;
    std::string token_;
};

}  // namespace drover::model
