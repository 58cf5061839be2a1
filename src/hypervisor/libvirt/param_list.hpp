#pragma once

#include <libvirt/libvirt.h>

#include <string>

#include "hypervisor/libvirt/errors.hpp"

namespace drover::hypervisor::libvirt {

/// Typed parameters to hand to libvirt.
class ParamList {
public:
    ~ParamList() { virTypedParamsFree(values_, count_); }
    ParamList() = default;
    ParamList(const ParamList&) = delete;
    ParamList& operator=(const ParamList&) = delete;

    void add_unsigned(const char* name, unsigned long long value) {
        if (virTypedParamsAddULLong(&values_, &count_, &capacity_, name, value) < 0)
            throw_last_error("make parameters");
    }
    void add_signed(const char* name, long long value) {
        if (virTypedParamsAddLLong(&values_, &count_, &capacity_, name, value) < 0)
            throw_last_error("make parameters");
    }
    void add_int(const char* name, int value) {
        if (virTypedParamsAddInt(&values_, &count_, &capacity_, name, value) < 0)
            throw_last_error("make parameters");
    }
    /// May be repeated with one name.
    void add_text(const char* name, const std::string& value) {
        if (virTypedParamsAddString(&values_, &count_, &capacity_, name, value.c_str()) < 0)
            throw_last_error("make parameters");
    }
    virTypedParameterPtr values() { return values_; }
    int count() const { return count_; }

private:
    virTypedParameterPtr values_ = nullptr;
    int count_ = 0;
    int capacity_ = 0;
};

}  // namespace drover::hypervisor::libvirt
