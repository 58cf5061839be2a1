#pragma once

// The users and groups of this server: drover's own accounts, not those of the machine's UNIX.

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "service/accounts.hpp"
#include "service/authorization/rules.hpp"
#include "store/store.hpp"

namespace drover::service {

struct Group {
    std::string name;
    int posix_id = 0;
    std::string description;
    std::set<std::string> members;  ///< users

    friend bool operator==(const Group&, const Group&) = default;
};

/// All users and groups. A value, as Rules is.
struct Directory {
    std::map<std::string, Account, std::less<>> users;
    std::map<std::string, Group, std::less<>> groups;

    bool knows(const Principal& principal) const;
    std::set<std::string> groups_of(std::string_view user) const;
    /// Users and groups share their numbers.
    int next_posix_id() const;
};

Directory load_directory(store::Store& store);
/// Adds the writes that lead from one state to another.
void add_difference(store::Batch& batch, const Directory& from, const Directory& to);

/// The users that administer everything: Admin on the root folder, propagating.
std::set<std::string> administrators(const Rules& rules, const Directory& directory,
                                     std::string_view root);

}  // namespace drover::service
