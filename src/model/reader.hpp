#pragma once

#include <string_view>

#include "vim/schema.hpp"

namespace drover::model {

class ManagedObject;

/// On whose behalf the inventory is read: one session, one release, its permissions. The endpoint
/// makes one for each request; filters keep theirs, so it is handed around as shared_ptr. Called
/// on the inventory's strand only, and never writes.
class Reader {
public:
    virtual ~Reader() = default;

    /// The session's key (never its secret cookie); empty where there is no session.
    virtual std::string_view session_key() const = 0;
    /// What the client knows: newer properties are left out.
    virtual vim::Release release() const = 0;
    /// Whether the object exists for this reader (System.View).
    virtual bool may_view(const ManagedObject& object) const = 0;
    /// Whether it holds a privilege on the object. An empty name stands for what reading its
    /// properties takes (System.Read for entities).
    virtual bool may_read(const ManagedObject& object, std::string_view privilege) const = 0;
};

/// The session that owns the object with this id (views, filters and collectors are named
/// "session[<key>]<uuid>"); empty for all other objects.
std::string_view owning_session(std::string_view object_id);

/// True if the reader may know of the object: its own session's objects always, those of other
/// sessions never, all others as Reader::may_view says.
bool is_visible(const ManagedObject& object, const Reader& reader);

}  // namespace drover::model
