#pragma once

// The generated tables as schema.cpp sees them. Private to this directory.

#include <cstddef>

#include "vim/schema.hpp"

namespace drover::vim::tables {

struct EnumValue {
    std::uint32_t name_offset;
    std::uint16_t since_release;
};

extern const char kStrings[];
extern const TypeDescriptor kTypes[];
extern const EnumValue kEnumValues[];
extern const PropertyDescriptor kProperties[];
extern const MethodDescriptor kMethods[];
extern const TypeId kFaults[];
extern const std::uint32_t kReleaseNames[];
extern const std::uint32_t kPrivilegeNames[];
extern const std::uint16_t kTypesByName[];
extern const std::uint16_t kMethodsByName[];
extern const std::size_t kTypeCount;
extern const std::size_t kMethodCount;
extern const std::size_t kReleaseCount;

}  // namespace drover::vim::tables
