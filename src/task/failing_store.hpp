#pragma once

// For tests: a store whose writes fail when the test says so, as on a full disk.

#include <set>

#include "store/store.hpp"

namespace drover::task {

class FailingStore final : public store::Store {
public:
    explicit FailingStore(store::Store& real) : real_(real) {}
    std::vector<store::Record> load(std::string_view kind) const override {
        return real_.load(kind);
    }
    std::optional<store::Record> get(std::string_view kind, std::string_view id) const override {
        return real_.get(kind, id);
    }
    std::vector<store::Record> find_by_name(std::string_view kind,
                                            std::string_view name) const override {
        return real_.find_by_name(kind, name);
    }
    std::vector<store::Record> find_by_parent(std::string_view kind,
                                              std::string_view parent) const override {
        return real_.find_by_parent(kind, parent);
    }
    void commit(store::Batch batch, store::Done done) override {
        ++writes;
        if (failing.contains(writes)) {
            done(std::make_exception_ptr(store::StoreError("disk full")));
            return;
        }
        real_.commit(std::move(batch), std::move(done));
    }
    void flush() override { real_.flush(); }
    store::Statistics statistics() const override { return real_.statistics(); }

    /// From now on these writes fail, counted from 1.
    void fail(std::set<int> numbers) {
        writes = 0;
        failing = std::move(numbers);
    }

    int writes = 0;
    std::set<int> failing;

private:
    store::Store& real_;
};

}  // namespace drover::task
