#include "ha/response/storage_loss.hpp"

namespace drover::ha {

namespace {

StorageLossStep step_of(StorageLossResponse response, bool may_restart) {
    switch (response) {
        case StorageLossResponse::disabled:
            return StorageLossStep::none;
        case StorageLossResponse::warning:
            return StorageLossStep::warn;
        case StorageLossResponse::restart:
            return may_restart ? StorageLossStep::end_and_offer : StorageLossStep::warn;
    }
    return StorageLossStep::none;
}

}  // namespace

StorageLossStep storage_loss_step(const StorageLossView& view,
                                  const StorageLossSettings& settings) {
    const bool is_late = view.since >= settings.paths_down_after;
    switch (view.loss) {
        case StorageLoss::none:
            return StorageLossStep::none;
        case StorageLoss::device_lost:
            return step_of(settings.device_lost, view.other_host_has_it);
        case StorageLoss::paths_down:
            if (!is_late) return StorageLossStep::none;
            if (view.came_back) {
                return settings.reset_if_back ? StorageLossStep::reset : StorageLossStep::none;
            }
            return step_of(settings.paths_down,
                           view.other_host_has_it || !settings.restart_only_if_room);
    }
    return StorageLossStep::none;
}

}  // namespace drover::ha
