#pragma once

// Numbers of references. One counter for all types; none is ever used twice, a crash included.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/store.hpp"
#include "task/runtime.hpp"
#include "vim/value.hpp"

namespace drover::center {

/// Belongs to the strand.
class Numbers {
public:
    /// Numbers are reserved in the store in blocks of so many.
    static constexpr std::int64_t kBlock = 50;

    Numbers(task::Runtime& runtime, store::Store& store) : runtime_(runtime), store_(store) {}
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;

    /// Reads where the last run ended. Once, before the first number.
    task::Awaitable<void> start();

    /// A new reference: host-9, vm-10, datastore-11, network-12, domain-c7 (cluster), domain-s8
    /// (stand-alone), resgroup-8, datacenter-2. Folders and others are named by next_id(). The
    /// store has the number before anything that is committed to it afterwards.
    vim::MoRef next(vim::TypeId type);
    /// prefix + number: next_id("group-v") is "group-v3".
    std::string next_id(std::string_view prefix);

private:
    std::int64_t take();

    task::Runtime& runtime_;
    store::Store& store_;
    std::int64_t next_ = 0;
    std::int64_t reserved_ = 0;  // numbers up to this one are
    /// Set by the store's thread; a reservation that failed is asked for again.
    std::shared_ptr<std::atomic<bool>> failed_ = std::make_shared<std::atomic<bool>>(false);
};

/// Passes over `count` numbers in a store that no center has open, so that none which was given out
/// after a backup is given to something else by the center that is restored from it. Blocks; throws
/// StoreError.
void skip_numbers(store::Store& store, std::int64_t count);

}  // namespace drover::center
