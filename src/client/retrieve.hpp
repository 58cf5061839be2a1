#pragma once

#include <string>
#include <vector>

#include "client/connection.hpp"
#include "client/properties.hpp"

namespace drover::client {

/// The properties of every object of a type (or its subtypes) in a container, at any depth, in the
/// server's order. A container that is unset is the root folder. What the server withholds is
/// left out. Throws vim::Fault and ConnectionError.
std::vector<Properties> retrieve(Connection& connection, vim::TypeId type,
                                 const std::vector<std::string>& paths,
                                 const vim::MoRef& container = {});

/// The properties of these objects. `type` is a type that all of them have. Throws
/// ManagedObjectNotFound if one is gone.
std::vector<Properties> retrieve_objects(Connection& connection, vim::TypeId type,
                                         const std::vector<vim::MoRef>& objects,
                                         const std::vector<std::string>& paths);

/// The properties of one object.
Properties retrieve_object(Connection& connection, const vim::MoRef& object,
                           const std::vector<std::string>& paths);

/// What to read: these paths of this type.
vim::PropertySpec property_spec(vim::TypeId type, const std::vector<std::string>& paths);

}  // namespace drover::client
