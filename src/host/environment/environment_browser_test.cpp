#include "host/environment/environment_browser.hpp"

#include <gtest/gtest.h>

#include "host/environment/config_option.hpp"
#include "host/host_system/simulated_host.hpp"

namespace drover::host {
namespace {

using simulated::missing_in;
using simulated::SimulatedHost;
using Strings = std::vector<std::string>;

class Environment : public testing::Test {
protected:
    Environment() {
        model::Transaction transaction(host.inventory);
        transaction.create(references::host.type, references::host.id);
        transaction.commit();
        host.run(host.networks.start());
        serve_environment_browser(host.context);
    }
    vim::VirtualMachineConfigOption option(const std::string& key) {
        auto request = vim::QueryConfigOptionRequest::make();
        if (!key.empty()) request.set_key(key);
        return vim::VirtualMachineConfigOption(
            host.call(references::environment_browser, "QueryConfigOption", request.raw()));
    }
    SimulatedHost host;
};

TEST_F(Environment, TheConfigOptionIsComplete) {
    const auto usual = option("");
    EXPECT_EQ(usual.version(), "vmx-19");
    EXPECT_EQ(missing_in(usual), Strings{});
    EXPECT_GT(usual.guestOSDescriptor().size(), 50u);
    EXPECT_EQ(usual.guestOSDescriptor()[static_cast<std::size_t>(usual.guestOSDefaultIndex())].id(),
              "otherGuest");
    EXPECT_EQ(option("vmx-08").version(), "vmx-08");
    EXPECT_FALSE(option("vmx-99"));
}

TEST_F(Environment, TheExtendedQueryChoosesGuests) {
    auto spec = vim::EnvironmentBrowserConfigOptionQuerySpec::make();
    spec.set_guestId({"debian11_64Guest", "nonsense"});
    auto request = vim::QueryConfigOptionExRequest::make();
    request.set_spec(spec);
    const vim::VirtualMachineConfigOption found(
        host.call(references::environment_browser, "QueryConfigOptionEx", request.raw()));
    ASSERT_EQ(found.guestOSDescriptor().size(), 1u);
    EXPECT_EQ(found.guestOSDescriptor()[0].id(), "debian11_64Guest");
}

TEST_F(Environment, ExactlyOneVersionIsTheUsualOne) {
    const auto list = host.call(references::environment_browser, "QueryConfigOptionDescriptor");
    EXPECT_EQ(missing_in(list), Strings{});
    int usual = 0;
    for (const auto& each : list.elements()) {
        const vim::VirtualMachineConfigOptionDescriptor descriptor(each);
        usual += descriptor.defaultConfigOption() ? 1 : 0;
        EXPECT_TRUE(option(std::string(descriptor.key())));
    }
    EXPECT_EQ(usual, 1);
}

TEST_F(Environment, TheTargetIsThisHost) {
    const vim::ConfigTarget target(host.call(references::environment_browser, "QueryConfigTarget"));
    EXPECT_EQ(missing_in(target), Strings{});
    EXPECT_EQ(target.numCpus(), 4);
    EXPECT_EQ(target.supportedMaxMemMB(), 8 * 1024);
    ASSERT_EQ(target.network().size(), 1u);
    EXPECT_EQ(target.network()[0].name(), "VM Network");
    auto request = vim::QueryConfigTargetRequest::make();
    request.set_host({vim::TypeId::HostSystem, "another"});
    EXPECT_THROW(host.call(references::environment_browser, "QueryConfigTarget", request.raw()),
                 vim::Fault);
}

}  // namespace
}  // namespace drover::host
