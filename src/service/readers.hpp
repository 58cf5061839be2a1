#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "model/property_collector.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// The inventory as one caller may see it.
class CallerReader final : public model::Reader {
public:
    CallerReader(const task::Caller& caller, task::PrivilegeCheck may) : may_(std::move(may)) {
        caller_.session_key = caller.session_key;
        caller_.user = caller.user;
        caller_.remote_address = caller.remote_address;
        caller_.release = caller.release;
    }

    std::string_view session_key() const override { return caller_.session_key; }
    vim::Release release() const override { return caller_.release; }
    bool may_view(const model::ManagedObject& object) const override {
        return may_(caller_, object.ref(), "System.View");
    }
    bool may_read(const model::ManagedObject& object, std::string_view privilege) const override {
        return may_(caller_, object.ref(), privilege);
    }

private:
    task::Caller caller_;
    task::PrivilegeCheck may_;
};

/// Makes the reader of a caller.
using Readers = std::function<model::ReaderPtr(const task::Caller&)>;

}  // namespace drover::service
