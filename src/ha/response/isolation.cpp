#include "ha/response/isolation.hpp"

namespace drover::ha {

bool is_isolated(const IsolationView& view, const IsolationSettings& settings) {
    return view.others_reach_etcd && view.etcd_silent >= settings.after;
}

IsolationStep isolation_step(IsolationResponse response, Duration asked_for,
                             const IsolationSettings& settings) {
    switch (response) {
        case IsolationResponse::leave_on:
            return IsolationStep::none;
        case IsolationResponse::power_off:
            return IsolationStep::power_off;
        case IsolationResponse::shut_down:
            if (asked_for == Duration::zero()) return IsolationStep::shut_down;
            return asked_for >= settings.shut_down_for ? IsolationStep::power_off
                                                       : IsolationStep::none;
    }
    return IsolationStep::none;
}

}  // namespace drover::ha
