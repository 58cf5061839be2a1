#include "service/web_client.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/random.hpp"

namespace drover::service {
namespace {

class WebClientTest : public testing::Test {
protected:
    void SetUp() override {
        base::SystemRandom random;
        directory_ = std::filesystem::temp_directory_path() / ("drover-web-" + random.hex(8));
        write("index.html", "<html>hello</html>");
        write("assets/main-a1b2.js", "run()");
        write("assets/main-a1b2.js.gz", "packed");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name) << text;
    }

    static http::Request request(const std::string& path, const std::string& method = "GET") {
        http::Request made;
        made.method = method;
        made.target = *http::Target::parse(path);
        return made;
    }

    static std::string text(const http::Response& response) {
        const auto* shared = std::get_if<http::SharedText>(&response.body);
        return shared != nullptr ? **shared : std::get<std::string>(response.body);
    }

    std::filesystem::path directory_;
};

TEST_F(WebClientTest, ServesThePageWithAStrictPolicy) {
    const WebClient client(directory_);
    const auto page = client.answer(request("/ui/"));
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(text(page), "<html>hello</html>");
    EXPECT_EQ(page.headers.get("Content-Type"), "text/html; charset=utf-8");
    const std::string policy(page.headers.get("Content-Security-Policy").value_or(""));
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(page.headers.get("Cache-Control"), "no-cache");
}

TEST_F(WebClientTest, TheRootLeadsToIt) {
    const WebClient client(directory_);
    EXPECT_TRUE(client.serves("/"));
    EXPECT_EQ(client.answer(request("/")).headers.get("Location"), "/ui/");
    EXPECT_EQ(client.answer(request("/ui")).status, 302);
    EXPECT_FALSE(client.serves("/sdk"));
}

TEST_F(WebClientTest, PackedForWhoLikesItAndForever) {
    const WebClient client(directory_);
    auto asked = request("/ui/assets/main-a1b2.js");
    EXPECT_EQ(text(client.answer(asked)), "run()");
    asked.headers.set("Accept-Encoding", "br, gzip");
    const auto packed = client.answer(asked);
    EXPECT_EQ(text(packed), "packed");
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.get("Cache-Control"), "public, max-age=31536000, immutable");
}

TEST_F(WebClientTest, AnswersWithNothingNewWhenNothingIs) {
    const WebClient client(directory_);
    auto asked = request("/ui/");
    const auto first = client.answer(asked);
    asked.headers.set("If-None-Match", std::string(first.headers.get("ETag").value_or("")));
    const auto second = client.answer(asked);
    EXPECT_EQ(second.status, 304);
    EXPECT_EQ(text(second), "");
}

TEST_F(WebClientTest, NothingElseIsThere) {
    const WebClient client(directory_);
    EXPECT_EQ(client.answer(request("/ui/nothing.js")).status, 404);
    EXPECT_EQ(client.answer(request("/ui//etc/passwd")).status, 404);
    EXPECT_EQ(client.answer(request("/ui/assets/main-a1b2.js.gz")).status, 404);
    EXPECT_EQ(client.answer(request("/ui/", "POST")).status, 405);
}

TEST_F(WebClientTest, WithoutAClientNothingIsServed) {
    const WebClient client(directory_ / "assets");
    EXPECT_FALSE(client.installed());
    EXPECT_FALSE(client.serves("/"));
    EXPECT_FALSE(client.serves("/ui/"));
}

}  // namespace
}  // namespace drover::service
