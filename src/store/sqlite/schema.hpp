#pragma once

// The tables and how older ones become today's. A migration is never changed once it was released;
// a new one is added behind it.

#include <filesystem>
#include <span>

#include "store/sqlite/connection.hpp"

namespace drover::store::sqlite {

/// Marks the file as ours ("drvr"), in SQLite's application_id.
inline constexpr int kApplicationId = 0x64727672;

/// SQL that turns version N-1 of the tables into version N; N is its place, from 1.
using Migration = const char*;

std::span<const Migration> migrations();

/// Looks at an open file without changing it: ours, whole, and of a version that we know?
/// Throws StoreError.
void inspect(Connection& connection, const std::filesystem::path& path,
             std::span<const Migration> known);

/// Brings the tables to the newest version; each step is one transaction. Call inspect() before.
void migrate(Connection& connection, std::span<const Migration> known);

}  // namespace drover::store::sqlite
