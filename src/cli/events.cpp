#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>

#include "cli/commands.hpp"
#include "cli/target.hpp"
#include "vim/history_types.hpp"

namespace drover::cli {
namespace {

constexpr std::int32_t kMostInOnePage = 1000;  // what the API allows

struct Options {
    std::string target;
    std::string since;
    std::vector<std::string> types;
    int limit = 25;
    bool follow = false;
};

vim::EventFilterSpec filter_for(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto filter = vim::EventFilterSpec::make();
    if (!options.target.empty()) {
        auto entity = vim::EventFilterSpecByEntity::make();
        entity.set_entity(find_target(connection, options.target).reference);
        entity.set_recursion(vim::EventFilterSpecRecursionOption::all);
        filter.set_entity(entity);
    }
    if (!options.since.empty()) {
        // By the server's clock: ours may be another.
        const auto now =
            connection.call("CurrentTime", {vim::TypeId::ServiceInstance, "ServiceInstance"});
        auto time = vim::EventFilterSpecByTime::make();
        time.set_beginTime(now.as_time() -
                           std::chrono::seconds(parse_seconds("--since", options.since)));
        filter.set_time(time);
    }
    if (!options.types.empty()) {
        filter.set_eventTypeId(
            std::vector<std::string_view>(options.types.begin(), options.types.end()));
    }
    return filter;
}

std::string entity_of(const vim::Event& event) {
    if (event.vm()) return std::string(event.vm().name());
    if (event.ds()) return std::string(event.ds().name());
    if (event.host()) return std::string(event.host().name());
    return {};
}

std::string type_of(const vim::Event& event) {
    if (const auto extended = event.as<vim::EventEx>()) return std::string(extended.eventTypeId());
    return std::string(vim::describe(event.dynamic_type()).name());
}

void add_row(Table& table, const vim::Event& event) {
    table.add({time_cell(event.createdTime()), text_cell(type_of(event)),
               text_cell(entity_of(event)), text_cell(event.userName()),
               text_cell(event.fullFormattedMessage().value_or("")), number_cell(event.key()),
               number_cell(event.chainId())});
}

Table empty_table() {
    return Table({{"time", "TIME (UTC)"},
                  {"type", "EVENT"},
                  {"entity", "ON"},
                  {"user", "USER"},
                  {"message", "MESSAGE"},
                  {"key", ""},
                  {"chain_id", ""}});
}

// A server makes one collector for each caller that reads page by page; it goes with its session,
// or here.
class Collector {
public:
    Collector(client::Connection& connection, const vim::EventFilterSpec& filter)
        : connection_(connection) {
        auto request = vim::CreateCollectorForEventsRequest::make();
        request.set_filter(filter);
        const auto made = connection.call(
            "CreateCollectorForEvents",
            client::required(connection.content().eventManager(), "eventManager"), request);
        if (made.kind() != vim::ValueKind::moref) {
            throw client::ConnectionError("the server made no collector of events");
        }
        reference_ = made.as_moref();
    }
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;
    ~Collector() {
        try {
            connection_.call("DestroyCollector", reference_);
        } catch (const std::exception&) {
            // It goes with the session.
        }
    }
    const vim::MoRef& reference() const { return reference_; }

    void set_page_size(int count) {
        auto request = vim::SetCollectorPageSizeRequest::make();
        request.set_maxCount(std::min<std::int32_t>(count, kMostInOnePage));
        connection_.call("SetCollectorPageSize", reference_, request);
    }

    /// Oldest first.
    std::vector<vim::Event> latest(std::size_t limit) {
        auto events = client::retrieve_object(connection_, reference_, {"latestPage"})
                          .objects<vim::Event>("latestPage");
        std::ranges::sort(events, {}, [](const vim::Event& event) { return event.key(); });
        if (events.size() > limit) {
            events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(limit));
        }
        return events;
    }

private:
    client::Connection& connection_;
    vim::MoRef reference_;
};

// One line for each event as it comes, or one JSON document for each.
void follow(Context& context, Collector& collector, std::int32_t last_key) {
    client::watch(context.connection(), collector.reference(), {"latestPage"},
                  [&](const client::Properties& properties) {
                      auto events = properties.objects<vim::Event>("latestPage");
                      std::ranges::sort(events, {}, [](const vim::Event& e) { return e.key(); });
                      for (const auto& event : events) {
                          if (event.key() <= last_key) continue;
                          last_key = event.key();
                          Table table = empty_table();
                          add_row(table, event);
                          if (context.json()) {
                              context.print(table);
                          } else {
                              context.say(fmt::format(
                                  "{}  {}  {}", time_cell(event.createdTime()).text, type_of(event),
                                  event.fullFormattedMessage().value_or("")));
                          }
                      }
                      std::fflush(stdout);
                      return false;
                  });
}

void run(Context& context, const Options& options) {
    if (options.limit < 1 || options.limit > kMostInOnePage) {
        throw UsageError(fmt::format("--limit must be 1 to {}", kMostInOnePage));
    }
    Collector collector(context.connection(), filter_for(context, options));
    collector.set_page_size(options.limit);
    Table table = empty_table();
    std::int32_t last_key = -1;
    for (const auto& event : collector.latest(static_cast<std::size_t>(options.limit))) {
        add_row(table, event);
        last_key = event.key();
    }
    context.print(table);
    if (options.follow) {
        std::fflush(stdout);
        follow(context, collector, last_key);
    }
}

}  // namespace

void add_events(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("events", "What has happened");
    auto options = std::make_shared<Options>();
    command->add_option("OBJECT", options->target,
                        std::string("only of this object and what is in it: ") + kTargetHelp);
    command->add_option("--since", options->since, "not older than this: 90s, 5m, 2h")
        ->type_name("TIME");
    command->add_option("--type", options->types, "only events of this type; can be repeated")
        ->type_name("TYPE")
        ->allow_extra_args(false);
    command->add_option("-n,--limit", options->limit, "the last so many")
        ->type_name("NUMBER")
        ->capture_default_str();
    command->add_flag("-f,--follow", options->follow, "go on with those that come");
    command->footer(R"(
Examples:
  drover events vm:web1 --since 1h
  drover events --type VmPoweredOnEvent --type VmPoweredOffEvent -n 100
  drover events -f)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
