#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "client/connection.hpp"
#include "client/properties.hpp"

namespace drover::client {

/// Nothing, or more than one thing, has the name. The text says which, and what to try.
class LookupError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Named {
    vim::MoRef reference;
    std::string name;
};

/// The one object of a type that `text` means: a name, an inventory path (with a '/'), or a
/// reference ("vm-12", "VirtualMachine:vm-12"). A name comes before a reference. Throws
/// LookupError, vim::Fault, ConnectionError.
Named find(Connection& connection, vim::TypeId type, std::string_view text);

/// Several at once, in order; the inventory is read once for all plain names.
std::vector<Named> find_all(Connection& connection, vim::TypeId type,
                            const std::vector<std::string>& texts);

/// "/datacenter/vm/folder/name" of an object.
std::string inventory_path(Connection& connection, const vim::MoRef& object);

/// What lies directly in an object, as `drover ls` shows it: the children of a folder, the folders
/// of a datacenter, hosts and pools of a compute resource, pools and machines of a pool.
std::vector<Named> children(Connection& connection, const vim::MoRef& object);

/// The object at a path from the root folder, along the names that `children` gives. Throws
/// LookupError that names the part that is missing.
Named walk(Connection& connection, std::string_view path);

}  // namespace drover::client
