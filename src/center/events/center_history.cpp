#include "center/events/center_history.hpp"

#include "center/references.hpp"
#include "service/task_manager.hpp"

namespace drover::center {

std::unique_ptr<store::History> CenterHistory::open(const Config& config) {
    store::HistoryLimits limits;
    limits.most_events = config.history_events;
    limits.most_tasks = config.history_tasks;
    return store::open_sqlite_history(config.state_directory / "history.db", limits);
}

// Machines that are gone stood in some datacenter: the root folder stands above them all.
CenterHistory::CenterHistory(const Config& config, task::Runtime& runtime, base::Random& random,
                             model::Inventory& inventory, std::unique_ptr<store::History> history)
    : config_(config),
      runtime_(runtime),
      inventory_(inventory),
      history_(std::move(history)),
      events_({runtime, inventory, *history_, references::event_manager, references::root_folder,
               references::root_folder,
               [&inventory](vim::Event& event) { complete_event(inventory, event); }}),
      collectors_({runtime, random, inventory, *history_}),
      tasks_({inventory, *history_, events_, collectors_, references::root_folder,
              references::root_folder}) {}

void CenterHistory::serve(task::Dispatcher& dispatcher, task::Tasks& tasks) {
    manager_ = std::make_unique<service::EventManager>(service::EventManager::Parts{
        runtime_, inventory_, dispatcher, *history_, events_, collectors_,
        references::event_manager, references::root_folder});
    collectors_.serve(dispatcher);
    service::serve_tasks(dispatcher, tasks, inventory_, collectors_, references::task_manager,
                         references::root_folder);
}

void CenterHistory::expire() {
    history_->forget_before(runtime_.clock().wall_now() - std::chrono::days(config_.history_days));
}

}  // namespace drover::center
