#pragma once

#include <memory>
#include <string>

#include "model/visible_references.hpp"
#include "service/authorization/authorization.hpp"

namespace drover::service {

/// The inventory as one caller may see it. Filters keep theirs for long: what changed meanwhile
/// counts at once.
class AuthorizedReader final : public model::Reader, public model::ReferenceFilter {
public:
    AuthorizedReader(const Authorization& authorization, const task::Caller& caller)
        : authorization_(authorization) {
        caller_.session_key = caller.session_key;
        caller_.user = caller.user;
        caller_.remote_address = caller.remote_address;
        caller_.release = caller.release;
    }

    std::string_view session_key() const override { return caller_.session_key; }
    vim::Release release() const override { return caller_.release; }
    const std::string& user() const { return caller_.user; }
    bool may_view(const model::ManagedObject& object) const override {
        return holds_everything() || authorization_.may(caller_, object, "System.View");
    }
    bool may_read(const model::ManagedObject& object, std::string_view privilege) const override {
        return holds_everything() || authorization_.may(caller_, object, privilege);
    }

    vim::Value visible(const vim::Value& list) const override;

private:
    bool hides(const vim::Value& reference) const;

    // Administrators ask for thousands of properties at a time: one comparison each.
    bool holds_everything() const {
        if (generation_ != authorization_.generation()) {
            generation_ = authorization_.generation();
            administers_ = !caller_.session_key.empty() &&
                           authorization_.access_of(caller_.user)->administers_all();
        }
        return administers_;
    }

    const Authorization& authorization_;
    task::Caller caller_;
    mutable std::uint64_t generation_ = 0;
    mutable bool administers_ = false;
};

}  // namespace drover::service
