#include "center/service_instance.hpp"

#include "center/compatibility/evc_view.hpp"
#include "center/references.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::Value;
namespace property = vim::property::ServiceInstance;

namespace {

// An integer, as clients that parse it expect; it counts our own builds.
constexpr std::string_view kBuild = "1";

vim::Capability make_capability() {
    auto capability = vim::Capability::make();
    capability.set_provisioningSupported(true);
    capability.set_multiHostSupported(true);
    capability.set_userShellAccessSupported(false);
    std::vector<vim::Value> modes;
    for (const auto& mode : all_evc_modes()) modes.push_back(mode.raw());
    static const auto slot =
        *vim::describe(capability.raw().type()).find_property("supportedEVCMode");
    vim::Value value = capability.raw();
    value.set_slot(slot, vim::Value::array(vim::TypeId::EVCMode, std::move(modes)));
    capability = vim::Capability(value);
    return capability;
}

vim::ServiceContent make_content(const CenterBasics& context) {
    auto content = vim::ServiceContent::make();
    content.set_rootFolder(references::root_folder);
    content.set_propertyCollector(references::property_collector);
    content.set_about(make_about(context));
    using Content = vim::ServiceContent;
    const std::pair<const MoRef&, void (Content::*)(const MoRef&)> services[] = {
        {references::view_manager, &Content::set_viewManager},
        {references::session_manager, &Content::set_sessionManager},
        {references::search_index, &Content::set_searchIndex},
        {references::task_manager, &Content::set_taskManager},
        {references::event_manager, &Content::set_eventManager},
        {references::performance_manager, &Content::set_perfManager},
        {references::file_manager, &Content::set_fileManager},
        {references::virtual_disk_manager, &Content::set_virtualDiskManager},
        {references::authorization_manager, &Content::set_authorizationManager},
        {references::user_directory, &Content::set_userDirectory},
        {references::account_manager, &Content::set_accountManager},
        {references::options, &Content::set_setting},
        {references::license_manager, &Content::set_licenseManager},
        {references::custom_fields, &Content::set_customFieldsManager},
        {references::diagnostic_manager, &Content::set_diagnosticManager},
        {references::extension_manager, &Content::set_extensionManager},
        {references::scheduled_task_manager, &Content::set_scheduledTaskManager},
        {references::alarm_manager, &Content::set_alarmManager},
        {references::provisioning_checker, &Content::set_vmProvisioningChecker},
    };
    for (const auto& [reference, set] : services) {
        if (context.inventory.find(reference) != nullptr) (content.*set)(reference);
    }
    return content;
}

}  // namespace

vim::AboutInfo make_about(const CenterBasics& context) {
    auto about = vim::AboutInfo::make();
    about.set_name("drover Center");
    about.set_fullName("drover Center " + std::string(kProductVersion) + " build-" +
                       std::string(kBuild));
    about.set_vendor("drover");
    about.set_version(kProductVersion);
    about.set_build(kBuild);
    about.set_localeVersion("INTL");
    about.set_localeBuild("000");
    about.set_osType("linux-x64");
    about.set_productLineId("vpx");
    about.set_apiType("VirtualCenter");
    about.set_apiVersion(kApiVersion);
    about.set_instanceUuid(context.instance_uuid);
    about.set_licenseProductName("drover Center");
    about.set_licenseProductVersion("8.0");
    return about;
}

void serve_service_instance(const CenterBasics& context) {
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

}  // namespace drover::center
