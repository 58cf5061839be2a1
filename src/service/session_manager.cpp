#include "service/session_manager.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "http/target.hpp"
#include "service/session_events.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

using task::Awaitable;
using task::Call;
using vim::Value;
namespace property = vim::property::SessionManager;

namespace {

constexpr std::chrono::seconds kHashLimit{30};
constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::size_t kMessageBytes = 4096;
constexpr std::string_view kMessageKind = "service";
constexpr std::string_view kMessageId = "message";

vim::Fault invalid_login() {
    return vim::make_fault<vim::InvalidLogin>(
        "Cannot complete login due to an incorrect user name or password.");
}

// All messages are English; a client may name any locale that is one.
bool is_locale(std::string_view locale) {
    return !locale.empty() && locale.size() <= 32 && std::ranges::all_of(locale, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

}  // namespace

SessionManager::SessionManager(task::Dispatcher& dispatcher, task::Runtime& runtime,
                               model::Inventory& inventory, Sessions& sessions,
                               const Accounts& accounts, vim::MoRef manager, Options options)
    : runtime_(runtime),
      inventory_(inventory),
      sessions_(sessions),
      accounts_(accounts),
      manager_(std::move(manager)),
      options_(std::move(options)),
      guard_(runtime.clock()) {
    create_object();
    serve(dispatcher);
}

SessionManager::SessionManager(task::Dispatcher& dispatcher, task::Runtime& runtime,
                               model::Inventory& inventory, Sessions& sessions,
                               const Accounts& accounts, vim::MoRef manager)
    : SessionManager(dispatcher, runtime, inventory, sessions, accounts, std::move(manager),
                     Options{}) {}

void SessionManager::serve(task::Dispatcher& dispatcher) {
    dispatcher.add("Login", [this](Call call) { return login(std::move(call)); });
    dispatcher.add_direct("Logout", [this](const Call& call) { return logout(call); });
    dispatcher.add_direct("TerminateSession", [this](const Call& call) { return terminate(call); });
    dispatcher.add_direct("SessionIsActive", [this](const Call& call) { return is_active(call); });
    dispatcher.add_direct("SetLocale", [this](const Call& call) { return set_locale(call); });
    if (options_.store != nullptr) {
        dispatcher.add("UpdateServiceMessage",
                       [this](Call call) { return set_message(std::move(call)); });
    }
    if (options_.tickets == nullptr) return;
    dispatcher.add_direct("AcquireCloneTicket",
                          [this](const Call& call) { return clone_ticket(call); });
    dispatcher.add_direct("CloneSession", [this](const Call& call) { return clone_session(call); });
    dispatcher.add_direct("AcquireGenericServiceTicket",
                          [this](const Call& call) { return service_ticket(call); });
}

void SessionManager::create_object() {
    model::Transaction transaction(inventory_);
    transaction.create(manager_.type, manager_.id);
    transaction.set(manager_, property::defaultLocale, Value::string("en"));
    const Value locales = Value::array(vim::TypeId::string, {Value::string("en")});
    transaction.set(manager_, property::supportedLocaleList, locales);
    transaction.set(manager_, property::messageLocaleList, locales);
    transaction.set_computed(manager_, property::currentSession,
                             [this](const model::Reader& reader) {
                                 const auto session = sessions_.find_by_key(reader.session_key());
                                 return session ? describe(*session).raw() : Value{};
                             });
    transaction.set_computed(manager_, property::sessionList, [this](const model::Reader&) {
        std::vector<Value> list;
        for (const auto& session : sessions_.all()) list.push_back(describe(*session).raw());
        return Value::array(vim::TypeId::UserSession, std::move(list));
    });
    transaction.commit();
}

vim::UserSession SessionManager::describe(const Session& session) {
    auto made = vim::UserSession::make();
    made.set_key(session.key);
    made.set_userName(session.user);
    made.set_fullName(session.user);
    made.set_loginTime(session.login_time);
    made.set_lastActiveTime(session.last_active);
    made.set_locale(session.locale);
    made.set_messageLocale("en");
    made.set_extensionSession(false);
    made.set_ipAddress(session.remote_address);
    made.set_userAgent(session.user_agent);
    made.set_callCount(static_cast<std::int64_t>(session.call_count));
    return made;
}

Awaitable<Value> SessionManager::login(Call call) {
    const auto request = call.arguments<vim::LoginRequest>();
    const std::string user(request.userName());
    const std::string& remote = call.caller->remote_address;
    if (!call.caller->session_key.empty()) {
        throw vim::make_fault<vim::InvalidLogin>("This session is logged in already.");
    }
    if (request.locale() && !is_locale(*request.locale())) {
        throw vim::make_fault<vim::InvalidLocale>("The locale '" + std::string(*request.locale()) +
                                                  "' is unknown or not supported.");
    }
    if (!guard_.begin(remote)) {
        base::log_warning("audit: login of '{}' from {} refused: too many at a time", user, remote);
        throw invalid_login();
    }
    // However this ends, the guard hears of it.
    const std::shared_ptr<void> under_way(nullptr, [this, remote](void*) { guard_.end(remote); });
    const bool good = co_await runtime_.blocking(
        "accounts",
        [this, user, password = std::string(request.password())] {
            return accounts_.verify(user, password);
        },
        kHashLimit);
    if (!good) {
        co_await refuse(user, remote);
        throw invalid_login();
    }
    guard_.succeeded(remote, user);
    require_access(user, remote);
    co_return begin_session(call, user, std::string(request.locale().value_or("en")));
}

Awaitable<void> SessionManager::refuse(std::string user, std::string remote_address) {
    base::log_warning("audit: login of '{}' from {} refused", user, remote_address);
    post_bad_login(options_.events, user, remote_address);
    co_await runtime_.sleep(guard_.failed(remote_address, user));
}

void SessionManager::require_access(const std::string& user, const std::string& remote_address) {
    if (!options_.has_access || options_.has_access(user)) return;
    base::log_warning("audit: login of '{}' from {} refused: nothing is granted to it", user,
                      remote_address);
    post_no_access(options_.events, user, remote_address);
    throw vim::no_permission(options_.root, "System.View");
}

Value SessionManager::begin_session(const Call& call, const std::string& user,
                                    const std::string& locale) {
    const std::string& remote = call.caller->remote_address;
    const auto session = sessions_.open(user, remote, call.caller->user_agent);
    if (!session) {
        throw vim::make_fault<vim::SystemError>("There are too many sessions; log in later.");
    }
    session->locale = locale;
    base::log_info("audit: '{}' logged in from {}, session {}", user, remote, session->key);
    call.caller->new_cookie = session->cookie;
    publish();
    post_login(options_.events, *session);
    return describe(*session).raw();
}

Value SessionManager::logout(const Call& call) {
    base::log_info("audit: '{}' logged out, session {}", call.caller->user,
                   call.caller->session_key);
    const auto session = sessions_.find_by_key(call.caller->session_key);
    sessions_.close(call.caller->session_key);
    call.caller->session_ended = true;
    publish();
    if (session) post_logout(options_.events, *session);
    return {};
}

Value SessionManager::terminate(const Call& call) {
    const auto request = call.arguments<vim::TerminateSessionRequest>();
    std::vector<std::string> keys;
    for (const auto key : request.sessionId()) {
        if (key == call.caller->session_key) {
            throw vim::invalid_argument("sessionId", "A session can't terminate itself: log out.");
        }
        if (!sessions_.find_by_key(key)) {
            throw vim::make_fault<vim::NotFound>("There is no session '" + std::string(key) + "'.");
        }
        keys.emplace_back(key);
    }
    for (const std::string& key : keys) {
        base::log_info("audit: '{}' ended session {}", call.caller->user, key);
        const auto session = sessions_.find_by_key(key);
        sessions_.close(key);
        if (session) post_terminated(options_.events, *session, call.caller->user);
    }
    publish();
    return {};
}

Value SessionManager::is_active(const Call& call) const {
    const auto request = call.arguments<vim::SessionIsActiveRequest>();
    const auto session = sessions_.find_by_key(request.sessionID());
    return Value::boolean(session != nullptr && session->user == request.userName());
}

Value SessionManager::set_locale(const Call& call) {
    const auto request = call.arguments<vim::SetLocaleRequest>();
    if (!is_locale(request.locale())) {
        throw vim::make_fault<vim::InvalidLocale>("The locale '" + std::string(request.locale()) +
                                                  "' is unknown or not supported.");
    }
    if (const auto session = sessions_.find_by_key(call.caller->session_key)) {
        session->locale = request.locale();
    }
    return {};
}

Value SessionManager::clone_ticket(const Call& call) {
    const std::string ticket = options_.tickets->make_clone_ticket(call.caller->session_key);
    if (ticket.empty()) {
        throw vim::make_fault<vim::InvalidRequest>("The session has too many tickets already.");
    }
    return Value::string(ticket);
}

Value SessionManager::clone_session(const Call& call) {
    const auto request = call.arguments<vim::CloneSessionRequest>();
    if (!call.caller->session_key.empty()) {
        throw vim::make_fault<vim::InvalidLogin>("This session is logged in already.");
    }
    const auto key = options_.tickets->take_clone_ticket(request.cloneTicket());
    const auto original = key ? sessions_.find_by_key(*key) : nullptr;
    if (!original) {
        base::log_warning("audit: a clone ticket from {} was refused", call.caller->remote_address);
        throw vim::make_fault<vim::InvalidLogin>("The ticket is unknown, used or too old.");
    }
    return begin_session(call, original->user, original->locale);
}

namespace {

std::string method_of(const std::optional<std::string_view>& name) {
    if (!name || *name == "httpGet") return "GET";
    if (*name == "httpPut") return "PUT";
    if (*name == "httpHead") return "HEAD";
    if (*name == "httpDelete") return "DELETE";
    throw vim::invalid_argument("spec.method", "Use httpGet, httpHead, httpPut or httpDelete.");
}

std::string target_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) {
        const auto path = url.find('/', scheme + 3);
        url = path == std::string_view::npos ? "/" : url.substr(path);
    }
    const auto target = http::Target::parse(url);
    if (!target) throw vim::invalid_argument("spec.url", "It is no URL.");
    return service_target(target->path(), target->query("dcPath").value_or(""),
                          target->query("dsName").value_or(""));
}

}  // namespace

Value SessionManager::service_ticket(const Call& call) {
    if (call.caller->session_key.empty()) {
        auto fault = vim::NotAuthenticated::make();
        fault.set_object(call.self);
        fault.set_privilegeId("System.View");
        throw vim::Fault(fault, "The session is not authenticated.");
    }
    const auto request = call.arguments<vim::AcquireGenericServiceTicketRequest>();
    const auto spec = request.spec().as<vim::SessionManagerHttpServiceRequestSpec>();
    if (!spec) throw vim::invalid_argument("spec", "Only HTTP requests have tickets here.");
    const std::string ticket = options_.tickets->make_service_ticket(
        call.caller->session_key, {method_of(spec.method()), target_of(spec.url())});
    if (ticket.empty()) {
        throw vim::make_fault<vim::InvalidRequest>("The session has too many tickets already.");
    }
    auto made = vim::SessionManagerGenericServiceTicket::make();
    made.set_id(ticket);
    made.set_ticketType("HostServiceTicket");
    return made.raw();
}

Awaitable<Value> SessionManager::set_message(Call call) {
    const auto request = call.arguments<vim::UpdateServiceMessageRequest>();
    std::string text(request.message());
    if (text.size() > kMessageBytes) {
        throw vim::invalid_argument("message", "It has 4096 bytes at the most.");
    }
    store::Record record;
    record.kind = kMessageKind;
    record.id = kMessageId;
    record.value = text;
    co_await runtime_.blocking(
        "store",
        [store = options_.store, record] { store->commit_and_wait(store::Batch().put(record)); },
        kStoreLimit);
    base::log_info("audit: '{}' changed the service's message", call.caller->user);
    publish_message(text);
    co_return Value{};
}

Awaitable<void> SessionManager::load() {
    if (options_.store == nullptr) co_return;
    const auto record = co_await runtime_.blocking(
        "store", [store = options_.store] { return store->get(kMessageKind, kMessageId); },
        kStoreLimit);
    if (record) publish_message(record->value);
}

void SessionManager::publish_message(const std::string& text) {
    model::Transaction transaction(inventory_);
    transaction.set(manager_, property::message, text.empty() ? Value{} : Value::string(text));
    transaction.commit();
}

void SessionManager::publish() {
    model::Transaction transaction(inventory_);
    transaction.touch(manager_, property::sessionList);
    transaction.commit();
}

}  // namespace drover::service
