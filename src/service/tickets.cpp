#include "service/tickets.hpp"

#include <algorithm>

#include "service/secrets.hpp"

namespace drover::service {

std::string service_target(std::string_view path, std::string_view datacenter,
                           std::string_view datastore) {
    // NUL can be in none of them, so no other request gives the same text.
    std::string target(path);
    target += '\0';
    target += datacenter;
    target += '\0';
    target += datastore;
    return target;
}

std::string Tickets::make(Ticket ticket) {
    const auto now = clock_.steady_now();
    std::erase_if(tickets_, [&](const auto& entry) { return entry.second.second.until < now; });
    const auto same_session = std::ranges::count_if(tickets_, [&](const auto& entry) {
        return entry.second.second.session_key == ticket.session_key;
    });
    if (tickets_.size() >= kMost || same_session >= std::ptrdiff_t{kMostPerSession}) return {};
    std::string secret = random_.hex(20);
    tickets_[keyed_hash(hash_key_, secret)] = {secret, std::move(ticket)};
    return secret;
}

std::string Tickets::make_clone_ticket(const std::string& session_key) {
    return make({session_key, std::nullopt, clock_.steady_now() + kCloneKept});
}

std::string Tickets::make_service_ticket(const std::string& session_key, ServiceRequest request) {
    return make({session_key, std::move(request), clock_.steady_now() + kServiceKept});
}

std::optional<Tickets::Ticket> Tickets::take(std::string_view ticket) {
    const auto at = tickets_.find(keyed_hash(hash_key_, ticket));
    if (at == tickets_.end() || !equal_in_constant_time(at->second.first, ticket)) return {};
    Ticket found = std::move(at->second.second);
    tickets_.erase(at);
    if (found.until < clock_.steady_now()) return {};
    return found;
}

std::optional<std::string> Tickets::take_clone_ticket(std::string_view ticket) {
    const auto found = take(ticket);
    if (!found || found->request) return {};
    return found->session_key;
}

std::optional<std::string> Tickets::take_service_ticket(std::string_view ticket,
                                                        const ServiceRequest& request) {
    const auto found = take(ticket);
    if (!found || found->request != request) return {};
    return found->session_key;
}

void Tickets::end_session(std::string_view session_key) {
    std::erase_if(tickets_, [&](const auto& entry) {
        return entry.second.second.session_key == session_key;
    });
}

}  // namespace drover::service
