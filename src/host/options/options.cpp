#include "host/options/options.hpp"

#include "host/host_system/host_config.hpp"
#include "host/references.hpp"

namespace drover::host {

Options::Options(const HostContext& context)
    : service::Options(
          {context.runtime, context.inventory, context.dispatcher, context.store,
           references::options,
           [](model::Transaction& transaction, const std::vector<vim::OptionValue>& values,
              const std::vector<vim::OptionDef>& definitions) {
               if (!transaction.exists(references::host)) return;
               edit_host_config(transaction, [&](vim::HostConfigInfo& host) {
                   host.set_option(values);
                   host.set_optionDef(definitions);
               });
           }}) {}

}  // namespace drover::host
