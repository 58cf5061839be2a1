#pragma once

// ExtensionManager: what other programs tell the center about themselves.

#include <map>
#include <string>

#include "center/context.hpp"
#include "vim/extensions_types.hpp"

namespace drover::center {

/// Belongs to the strand.
class Extensions {
public:
    static constexpr std::size_t kMost = 500;
    static constexpr std::size_t kMostBytes = 256 * 1024;  ///< of one extension, as it is stored

    explicit Extensions(const CenterBasics& context) : context_(context) {}
    Extensions(const Extensions&) = delete;
    Extensions& operator=(const Extensions&) = delete;

    /// Reads what is stored, makes the managed object and serves it.
    task::Awaitable<void> start();

private:
    struct Entry {
        vim::Extension extension;
        std::string certificate_pem;
    };

    void serve();
    void show();
    Entry& get(const std::string& key);
    task::Awaitable<void> put(Entry entry);
    task::Awaitable<void> remove(std::string key);
    task::Awaitable<void> set_certificate(task::Call call);
    vim::Extension checked(const vim::Extension& given) const;

    const CenterBasics& context_;
    std::map<std::string, Entry> entries_;  // by the extension's key
};

}  // namespace drover::center
