#pragma once

#include <cstddef>

namespace drover::base {

/// One of those that are under way: counted from its making to its end. Belongs to whoever owns the
/// count, which must outlive it.
class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::size_t& count_;
};

}  // namespace drover::base
