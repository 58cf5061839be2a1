#include "center/extensions/extensions.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/references.hpp"
#include "center/tree/data.hpp"
#include "service/history/history_item.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using task::Call;
using vim::Extension;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKind = "extension";
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::size_t kMostKeyBytes = 255;
constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kPemEnd = "-----END CERTIFICATE-----";

vim::Fault unknown(std::string_view key) {
    return vim::make_fault<vim::NotFound>(fmt::format("There is no extension '{}'.", key));
}

}  // namespace

Awaitable<void> Extensions::start() {
    const auto stored = co_await context_.runtime.blocking(
        "store", [&store = context_.store] { return store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : stored) {
        const json fields = json::parse(record.value, nullptr, false);
        const bool whole = fields.is_object() && fields.contains("extension");
        const Value value = whole ? service::from_stored(fields.value("extension", "")) : Value{};
        if (!value || value.type() != TypeId::Extension) {
            base::log_error("the record of the extension {} is damaged, left alone", record.id);
            continue;
        }
        entries_[record.id] = {Extension(value), fields.value("certificate", "")};
    }
    const auto& self = references::extension_manager;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    show();
    serve();
}

void Extensions::show() {
    std::vector<Value> list;
    for (const auto& [_, entry] : entries_) list.push_back(entry.extension.raw());
    model::Transaction transaction(context_.inventory);
    transaction.set(references::extension_manager, vim::property::ExtensionManager::extensionList,
                    Value::array(TypeId::Extension, std::move(list)));
    transaction.commit();
}

Extensions::Entry& Extensions::get(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) throw unknown(key.substr(0, kMostKeyBytes));
    return found->second;
}

// An extension as it is kept: heard of now.
Extension Extensions::checked(const Extension& given) const {
    const std::string_view key = given.key();
    if (key.empty() || key.size() > kMostKeyBytes) {
        throw vim::invalid_argument("extension.key", "extension.key: has 1 to 255 bytes");
    }
    Value raw = given.raw();
    set_property(raw, "lastHeartbeatTime", Value::date_time(context_.runtime.clock().wall_now()));
    return Extension(raw);
}

Awaitable<void> Extensions::put(Entry entry) {
    const std::string key(entry.extension.key());
    json fields;
    fields["extension"] = service::to_stored(entry.extension.raw());
    fields["certificate"] = entry.certificate_pem;
    store::Record record;
    record.kind = kKind;
    record.id = key;
    record.value = fields.dump();
    if (record.value.size() > kMostBytes) {
        throw vim::invalid_argument("extension",
                                    fmt::format("extension: takes more than {} bytes", kMostBytes));
    }
    entries_[key] = std::move(entry);
    co_await commit(context_, store::Batch().put(std::move(record)));
    show();
}

Awaitable<void> Extensions::remove(std::string key) {
    get(key);
    entries_.erase(key);
    co_await commit(context_, store::Batch().remove(std::string(kKind), key));
    show();
}

// Without a certificate the caller means that of its own connection; connections here have none.
Awaitable<void> Extensions::set_certificate(Call call) {
    const Value& pem = call.request.property("certificatePem");
    Entry entry = get(std::string(call.request.property("extensionKey").as_string()));
    if (!pem || pem.as_string().empty()) {
        throw vim::make_fault<vim::NoClientCertificate>(
            "The connection has no certificate of its client.");
    }
    const std::string_view text = pem.as_string();
    const auto begin = text.find(kPemBegin);
    if (begin == std::string_view::npos || text.find(kPemEnd, begin) == std::string_view::npos) {
        throw vim::invalid_argument("certificatePem", "certificatePem: is no certificate in PEM");
    }
    entry.certificate_pem = text;
    co_await put(std::move(entry));
}

void Extensions::serve() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add_direct("FindExtension", [this](const Call& call) {
        const auto found =
            entries_.find(std::string(call.arguments<vim::FindExtensionRequest>().extensionKey()));
        return found == entries_.end() ? Value{} : found->second.extension.raw();
    });
    dispatcher.add("RegisterExtension", [this](Call call) -> Awaitable<Value> {
        Entry made{checked(call.arguments<vim::RegisterExtensionRequest>().extension()), {}};
        const std::string key(made.extension.key());
        if (entries_.contains(key)) {
            throw vim::invalid_argument(
                "extension.key", fmt::format("extension.key: '{}' is registered already", key));
        }
        if (entries_.size() >= kMost) {
            throw vim::invalid_argument("extension",
                                        fmt::format("There may be {} extensions.", kMost));
        }
        co_await put(std::move(made));
        base::log_info("audit: '{}' registered the extension '{}'", call.caller->user, key);
        co_return Value{};
    });
    dispatcher.add("UpdateExtension", [this](Call call) -> Awaitable<Value> {
        const auto given = call.arguments<vim::UpdateExtensionRequest>().extension();
        Entry entry = get(std::string(given.key()));
        entry.extension = checked(given);
        co_await put(std::move(entry));
        co_return Value{};
    });
    dispatcher.add("UnregisterExtension", [this](Call call) -> Awaitable<Value> {
        const std::string key(call.arguments<vim::UnregisterExtensionRequest>().extensionKey());
        co_await remove(key);
        base::log_info("audit: '{}' removed the extension '{}'", call.caller->user, key);
        co_return Value{};
    });
    dispatcher.add("SetExtensionCertificate", [this](Call call) -> Awaitable<Value> {
        co_await set_certificate(std::move(call));
        co_return Value{};
    });
}

}  // namespace drover::center
