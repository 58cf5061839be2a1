#include "center/faults.hpp"

#include "base/log.hpp"
#include "store/store.hpp"
#include "task/runtime.hpp"

namespace drover::center {

using vim::Fault;
using vim::make_fault;

Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const Fault& fault) {
        return fault;
    } catch (const task::BlockingTimeout& failure) {
        return make_fault<vim::Timedout>(failure.what());
    } catch (const store::StoreError& failure) {
        base::log_error("store: {}", failure.what());
        return make_fault<vim::SystemError>(std::string("The center's own store: ") +
                                            failure.what());
    } catch (const std::exception& failure) {
        base::log_error("unexpected: {}", failure.what());
        return make_fault<vim::SystemError>(std::string("A general system error occurred: ") +
                                            failure.what());
    }
}

}  // namespace drover::center
