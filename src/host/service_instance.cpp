#include "host/service_instance.hpp"

#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::Value;
namespace property = vim::property::ServiceInstance;

namespace {

// An integer, as clients that parse it expect; it counts our own builds.
constexpr std::string_view kBuild = "1";

vim::Capability make_capability() {
    auto capability = vim::Capability::make();
    capability.set_provisioningSupported(true);
    capability.set_multiHostSupported(false);
    capability.set_userShellAccessSupported(false);
    return capability;
}

vim::ServiceContent make_content(const HostContext& context) {
    auto content = vim::ServiceContent::make();
    content.set_rootFolder(references::root_folder);
    content.set_propertyCollector(references::property_collector);
    content.set_viewManager(references::view_manager);
    content.set_about(make_about(context));
    content.set_sessionManager(references::session_manager);
    content.set_perfManager(references::performance_manager);
    content.set_taskManager(references::task_manager);
    content.set_eventManager(references::event_manager);
    content.set_searchIndex(references::search_index);
    content.set_authorizationManager(references::authorization_manager);
    content.set_userDirectory(references::user_directory);
    content.set_accountManager(references::account_manager);
    content.set_fileManager(references::file_manager);
    content.set_virtualDiskManager(references::virtual_disk_manager);
    content.set_setting(references::options);
    content.set_licenseManager(references::license_manager);
    content.set_diagnosticManager(references::diagnostic_manager);
    return content;
}

}  // namespace

vim::AboutInfo make_about(const HostContext& context) {
    auto about = vim::AboutInfo::make();
    about.set_name("drover host");
    about.set_fullName("drover host " + std::string(kProductVersion) + " build-" +
                       std::string(kBuild) + (context.config.simulation ? " (simulated)" : ""));
    about.set_vendor("drover");
    about.set_version(kProductVersion);
    about.set_build(kBuild);
    about.set_localeVersion("INTL");
    about.set_localeBuild("000");
    about.set_osType("linux-x64");
    about.set_productLineId("embeddedEsx");
    about.set_apiType("HostAgent");
    about.set_apiVersion(kApiVersion);
    about.set_instanceUuid(context.host_uuid);
    about.set_licenseProductName("drover host");
    about.set_licenseProductVersion("8.0");
    return about;
}

void serve_service_instance(const HostContext& context) {
    const auto& self = references::service_instance;
    const auto& clock = context.runtime.clock();
    const vim::ServiceContent content = make_content(context);
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, property::content, content.raw());
    transaction.set(self, property::capability, make_capability().raw());
    transaction.set_computed(self, property::serverClock, [&clock](const model::Reader&) {
        return Value::date_time(clock.wall_now());
    });
    transaction.commit();
    context.dispatcher.add_direct("RetrieveServiceContent",
                                  [content](const task::Call&) { return content.raw(); });
    context.dispatcher.add_direct(
        "CurrentTime", [&clock](const task::Call&) { return Value::date_time(clock.wall_now()); });
}

}  // namespace drover::host
