#pragma once

#include "storage/compare_and_swap.hpp"
#include "storage/directory/root.hpp"

namespace drover::storage::directory {

/// Cells as files: generation g of the cell "vm.lease" is "vm.lease.<g>", made whole under a
/// passing name and published with link(), which one caller wins and all others lose. The highest
/// number is the state.
///
/// Old generations are removed after a while. So a caller that was asleep may succeed in linking a
/// number whose file is gone: it therefore looks again after the link, and has lost if anything
/// higher exists. The highest file is never removed, so such a caller always sees it.
class DirectorySwap final : public CompareAndSwap {
public:
    /// So many generations below the newest stay. A directory is not read in one instant: with the
    /// newest file alone, a reader could pass its place before it is made and come to its
    /// predecessor's after that is gone, and see no file at all.
    static constexpr std::uint64_t kKept = 8;

    explicit DirectorySwap(Root& root) : root_(root) {}

    CellState read(const DatastorePath& cell) override;
    SwapResult swap(const DatastorePath& cell, std::uint64_t expected,
                    std::string_view content) override;
    void remove(const DatastorePath& cell) override;

private:
    Root& root_;
};

}  // namespace drover::storage::directory
