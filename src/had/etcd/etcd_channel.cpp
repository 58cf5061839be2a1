#include "had/etcd/etcd_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"
#include "had/etcd/beat_format.hpp"

namespace drover::had {

namespace {

constexpr std::uint64_t kPemBytes = 256 << 10;
constexpr auto kMostBeats = static_cast<std::int64_t>(Names::kMostHosts);

LinkIdentity read_identity(const EtcdSettings& settings) {
    return {base::read_file(settings.identity / "certificate.pem", kPemBytes),
            base::read_file(settings.identity / "key.pem", kPemBytes), settings.authorities};
}

PutAndRead request_of(const ha::Beat& beat, const Names& names) {
    return {.key = beat_key(beat.who.host, names),
            .value = format_beat(beat, names),
            .below = above_epoch(beat.who.epoch),
            .first = std::string(kBeatKeys),
            .end = std::string(kBeatKeysEnd),
            .most = kMostBeats};
}

// What the state machine hears; the error is why the answer is not believed. Of other hosts what
// can't be read is left out, which counts as unknown.
std::expected<ha::BeatAnswered, std::string> event_of(const ha::BeatEtcd& beat,
                                                      const PutAndRead& asked,
                                                      const PutAndReadAnswer& answer,
                                                      Names& names) {
    ha::BeatAnswered event{.op = beat.op, .mine = answer.put};
    bool has_own = false;
    for (const auto& [key, value] : answer.all) {
        auto parsed = parse_beat(key, value, names);
        if (key == asked.key) {
            has_own = answer.put ? value == asked.value
                                 : parsed && parsed->who.epoch > beat.beat.who.epoch;
        }
        if (parsed) event.beats.push_back(*std::move(parsed));
    }
    if (!has_own) return std::unexpected("its answer is wrong: it does not show this host's beat");
    return event;
}

}  // namespace

bool EtcdSettings::operator==(const EtcdSettings& other) const {
    const auto same = [](const LinkTarget& one, const LinkTarget& two) {
        return one.address == two.address && one.port == two.port;
    };
    return etcd == other.etcd && identity == other.identity && authorities == other.authorities &&
           std::ranges::equal(members, other.members, same);
}

// Owned by the channel and by its thread, which may be waiting for a member when the channel ends.
struct EtcdChannel::Shared {
    Shared(std::shared_ptr<Names> known, std::function<void(ha::Event)> to)
        : names(std::move(known)), answer(std::move(to)) {}

    static void run(std::shared_ptr<Shared> self) { self->work(); }
    void work();
    bool send(const ha::BeatEtcd& beat, const EtcdSettings& now);
    std::expected<ha::BeatAnswered, LinkFailure> ask(const ha::BeatEtcd& beat, std::size_t member,
                                                     const EtcdSettings& now);
    void tell(std::string problem, const EtcdSettings& now);

    const std::shared_ptr<Names> names;
    const std::function<void(ha::Event)> answer;

    std::mutex mutex{};
    std::condition_variable changed{};
    EtcdSettings settings{};
    std::uint64_t settings_number = 0;
    std::optional<ha::BeatEtcd> waiting{};
    bool is_over = false;

    // The thread's own.
    std::vector<std::unique_ptr<MemberLink>> links{};
    std::size_t present = 0;  ///< the member that answered last
    std::string told{};
};

void EtcdChannel::Shared::work() {
    EtcdSettings now;
    std::uint64_t number = 0;
    std::unique_lock lock(mutex);
    while (true) {
        changed.wait(lock, [&] { return is_over || waiting; });
        if (is_over) return;
        if (number != settings_number) {
            now = settings;
            number = settings_number;
            links.clear();
            links.resize(now.members.size());
            present = 0;
            told.clear();
        }
        const auto beat = *std::exchange(waiting, std::nullopt);
        lock.unlock();
        // One round at most: then the next beat is due.
        for (std::size_t turn = 0; turn < now.members.size(); ++turn) {
            if (send(beat, now)) break;
            present = (present + 1) % now.members.size();
            const std::lock_guard newer(mutex);
            if (is_over || waiting || number != settings_number) break;
        }
        lock.lock();
    }
}

bool EtcdChannel::Shared::send(const ha::BeatEtcd& beat, const EtcdSettings& now) {
    auto event = ask(beat, present, now);
    if (!event) {
        // A connection that hangs is not used again, nor is one whose certificates were refused.
        links[present].reset();
        tell(fmt::format("etcd at {} does not answer: {}", now.members[present].address,
                         event.error().reason),
             now);
        return false;
    }
    {
        const std::lock_guard lock(mutex);
        if (is_over || !(now == settings)) return true;
    }
    tell({}, now);
    answer(*std::move(event));
    return true;
}

std::expected<ha::BeatAnswered, LinkFailure> EtcdChannel::Shared::ask(const ha::BeatEtcd& beat,
                                                                      std::size_t member,
                                                                      const EtcdSettings& now) {
    try {
        const auto limit = links[member] ? kAnswerLimit : kConnectLimit;
        if (!links[member]) {
            std::optional<LinkIdentity> identity;
            if (!now.identity.empty()) identity = read_identity(now);
            links[member] =
                std::make_unique<MemberLink>(now.members[member], identity ? &*identity : nullptr);
        }
        const auto asked = request_of(beat.beat, *names);
        const auto answered = links[member]->call(asked, limit);
        if (!answered) return std::unexpected(answered.error());
        auto event = event_of(beat, asked, *answered, *names);
        if (!event) return std::unexpected(LinkFailure{event.error(), false});
        return *std::move(event);
    } catch (const std::exception& error) {
        return std::unexpected(LinkFailure{error.what(), false});
    }
}

// Each news once: an empty problem is that it answers.
void EtcdChannel::Shared::tell(std::string problem, const EtcdSettings& now) {
    auto text = problem.empty() ? fmt::format("etcd answers at {}", now.members[present].address)
                                : std::move(problem);
    if (text == told) return;
    told = text;
    base::log_info("{}", text);
}

EtcdChannel::EtcdChannel(std::shared_ptr<Names> names, std::function<void(ha::Event)> answer)
    : shared_(std::make_shared<Shared>(std::move(names), std::move(answer))) {
    std::thread(Shared::run, shared_).detach();
}

EtcdChannel::~EtcdChannel() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_over = true;
    shared_->changed.notify_all();
}

void EtcdChannel::use(EtcdSettings settings) {
    const std::lock_guard lock(shared_->mutex);
    if (settings == shared_->settings) return;
    shared_->settings = std::move(settings);
    ++shared_->settings_number;
    shared_->waiting.reset();
}

void EtcdChannel::perform(const ha::BeatEtcd& beat) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->settings.members.empty() || shared_->settings.etcd != beat.etcd) return;
    shared_->waiting = beat;
    shared_->changed.notify_all();
}

}  // namespace drover::had
