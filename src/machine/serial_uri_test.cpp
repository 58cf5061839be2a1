#include "machine/serial_uri.hpp"

#include <gtest/gtest.h>

#include <string>

namespace drover::machine {
namespace {

TEST(SerialUri, ReadsWhatClientsSend) {
    const auto listening = parse_serial_uri("telnet://:33233");
    ASSERT_TRUE(listening);
    EXPECT_EQ(listening->host, "");
    EXPECT_EQ(listening->port, 33233);
    const auto nothing = parse_serial_uri("localhost:0");
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->port, 0);
    const auto six = parse_serial_uri("tcp://[2001:db8::1]:80");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->host, "2001:db8::1");
    for (const char* bad : {"", "localhost", "tcp://10.0.0.1", "tcp://10.0.0.1:", "tcp://a:70000",
                            "tcp://a:-1", "udp://10.0.0.1:5", "tcp://a:5x", "://a:5"}) {
        EXPECT_FALSE(parse_serial_uri(bad)) << bad;
    }
    EXPECT_FALSE(parse_serial_uri("tcp://" + std::string(300, 'a') + ":1"));
}

TEST(SerialUri, ConnectsToOtherHostsOnly) {
    const auto is_possible = [](const char* uri) {
        return parse_serial_uri(uri).value().is_possible_target();
    };
    EXPECT_TRUE(is_possible("tcp://10.0.0.1:80"));
    EXPECT_TRUE(is_possible("tcp://[2001:db8::1]:80"));
    for (const char* own :
         {"tcp://:80", "tcp://127.0.0.1:80", "tcp://127.1.2.3:80", "localhost:80",
          "tcp://0.0.0.0:80", "tcp://[::1]:80", "tcp://[::]:80", "tcp://[::ffff:127.0.0.1]:80",
          "tcp://0177.1:80", "tcp://2130706433:80"}) {
        EXPECT_FALSE(is_possible(own)) << own;
    }
}

}  // namespace
}  // namespace drover::machine
