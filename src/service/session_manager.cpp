#include "service/session_manager.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "vim/properties.hpp"

namespace drover::service {

using task::Awaitable;
using task::Call;
using vim::Value;
namespace property = vim::property::SessionManager;

namespace {

constexpr std::chrono::seconds kHashLimit{30};
constexpr std::chrono::milliseconds kFailureDelay{500};
constexpr int kMostConcurrentFailures = 20;

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
                               const Accounts& accounts, vim::MoRef manager)
    : runtime_(runtime),
      inventory_(inventory),
      sessions_(sessions),
      accounts_(accounts),
      manager_(std::move(manager)) {
    create_object();
    dispatcher.add("Login", [this](Call call) { return login(std::move(call)); });
    dispatcher.add_direct("Logout", [this](const Call& call) { return logout(call); });
    dispatcher.add_direct("TerminateSession", [this](const Call& call) { return terminate(call); });
    dispatcher.add_direct("SessionIsActive", [this](const Call& call) { return is_active(call); });
    dispatcher.add_direct("SetLocale", [this](const Call& call) { return set_locale(call); });
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
    const auto failures = recent_failures_.find(remote);
    if (failures != recent_failures_.end() && failures->second > kMostConcurrentFailures) {
        base::log_warning("audit: login of '{}' from {} refused: too many failures", user, remote);
        throw invalid_login();
    }
    const bool good = co_await runtime_.blocking(
        "accounts",
        [this, user, password = std::string(request.password())] {
            return accounts_.verify(user, password);
        },
        kHashLimit);
    if (!good) {
        base::log_warning("audit: login of '{}' from {} refused", user, remote);
        ++recent_failures_[remote];
        co_await runtime_.sleep(kFailureDelay);
        if (--recent_failures_[remote] <= 0) recent_failures_.erase(remote);
        throw invalid_login();
    }
    const auto session = sessions_.open(user, remote, call.caller->user_agent);
    if (!session) {
        throw vim::make_fault<vim::SystemError>("There are too many sessions; log in later.");
    }
    if (request.locale()) session->locale = *request.locale();
    base::log_info("audit: '{}' logged in from {}, session {}", user, remote, session->key);
    call.caller->new_cookie = session->cookie;
    publish();
    co_return describe(*session).raw();
}

Value SessionManager::logout(const Call& call) {
    base::log_info("audit: '{}' logged out, session {}", call.caller->user,
                   call.caller->session_key);
    sessions_.close(call.caller->session_key);
    call.caller->session_ended = true;
    publish();
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
        sessions_.close(key);
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

void SessionManager::publish() {
    model::Transaction transaction(inventory_);
    transaction.touch(manager_, property::sessionList);
    transaction.commit();
}

}  // namespace drover::service
