#include "host/files/folder_endpoint.hpp"

#include "host/files/test_host.hpp"
#include "service/accounts.hpp"

namespace drover::host::files {
namespace {

// A body that comes in pieces and may be cut short.
class PieceBody final : public http::BodyReader {
public:
    PieceBody(std::string content, bool announced, std::size_t cut_at = SIZE_MAX)
        : content_(std::move(content)), announced_(announced), cut_at_(cut_at) {}

    task::Awaitable<std::size_t> read(std::span<char> room) override {
        if (at_ >= cut_at_) throw http::BodyError(400, "the body was cut short");
        const std::size_t end = std::min(content_.size(), cut_at_);
        const std::size_t count = std::min({room.size(), end - at_, kPieceBytes});
        std::copy_n(content_.data() + at_, count, room.data());
        at_ += count;
        co_return count;
    }
    std::optional<std::uint64_t> content_length() const override {
        return announced_ ? std::optional<std::uint64_t>(content_.size()) : std::nullopt;
    }

private:
    static constexpr std::size_t kPieceBytes = 70'000;
    std::string content_;
    bool announced_;
    std::size_t cut_at_;
    std::size_t at_ = 0;
};

class Folder : public testing::Test {
protected:
    Folder() { session = sessions.open("root", "127.0.0.1", "test"); }

    http::Request request(const std::string& method, const std::string& target) {
        http::Request made;
        made.method = method;
        made.target = http::Target::parse(target).value();
        made.remote_address = "127.0.0.1";
        made.headers.add("Cookie", "vmware_soap_session=\"" + session->cookie + "\"");
        return made;
    }
    http::Response send(http::Request made) { return host.run(endpoint.handle(std::move(made))); }
    http::Response get(const std::string& target) { return send(request("GET", target)); }
    http::Response put(const std::string& target, std::string content, bool announced = true,
                       std::size_t cut_at = SIZE_MAX) {
        auto made = request("PUT", target);
        made.body_reader = std::make_shared<PieceBody>(std::move(content), announced, cut_at);
        return send(std::move(made));
    }
    http::Response put_part(const std::string& target, const std::string& range,
                            std::string content, std::size_t cut_at = SIZE_MAX,
                            bool announced = true) {
        auto made = request("PUT", target);
        made.headers.add("Content-Range", range);
        made.body_reader = std::make_shared<PieceBody>(std::move(content), announced, cut_at);
        return send(std::move(made));
    }
    std::string body(http::Response response) {
        if (auto* text = std::get_if<std::string>(&response.body)) return *text;
        auto* stream = std::get_if<http::StreamBody>(&response.body);
        if (stream == nullptr) return "no text";
        std::string all;
        while (true) {
            const std::string piece = host.run(stream->next());
            if (piece.empty()) break;
            all += piece;
        }
        EXPECT_EQ(stream->length, all.size());
        return all;
    }

    TestHost host;
    service::Sessions sessions{host.clock, host.random};
    service::Accounts accounts{*host.store};
    std::shared_ptr<service::Session> session;
    int verified = 0;
    std::string stored_hash = "a hash";
    FolderEndpoint endpoint{{
        .context = host.context,
        .sessions = sessions,
        .may = host.may,
        .passwords = {.verify =
                          [this](const std::string& user, const std::string& password) {
                              ++verified;
                              return accounts.verify(user, password);
                          },
                      .hash_of = [this](const std::string&) { return stored_hash; }},
        .machines = [this] { return host.machines; },
    }};
};

TEST_F(Folder, ServesItsPaths) {
    EXPECT_TRUE(FolderEndpoint::serves("/folder"));
    EXPECT_TRUE(FolderEndpoint::serves("/folder/a/b"));
    EXPECT_FALSE(FolderEndpoint::serves("/folders"));
    EXPECT_TRUE(FolderEndpoint::body_policy(request("PUT", "/folder/a?dsName=one")).stream);
    EXPECT_FALSE(FolderEndpoint::body_policy(request("GET", "/folder/a?dsName=one")).stream);
}

TEST_F(Folder, GivesFilesAndRanges) {
    std::string content(3'000'000, 'x');
    content.replace(0, 5, "begin").replace(content.size() - 3, 3, "end");
    host.write("one/vm/vm 1.vmx", content);
    const std::string target = "/folder/vm/vm%201.vmx?dcPath=ha-datacenter&dsName=one";
    auto response = get(target);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.get("Content-Type"), "application/octet-stream");
    EXPECT_EQ(body(std::move(response)), content);

    auto part = request("GET", target);
    part.headers.add("Range", "bytes=-3");
    response = send(std::move(part));
    EXPECT_EQ(response.status, 206);
    EXPECT_EQ(response.headers.get("Content-Range"), "bytes 2999997-2999999/3000000");
    EXPECT_EQ(body(std::move(response)), "end");

    auto beyond = request("GET", target);
    beyond.headers.add("Range", "bytes=3000000-");
    EXPECT_EQ(send(std::move(beyond)).status, 416);
    EXPECT_EQ(send(request("HEAD", target)).status, 200);
    EXPECT_EQ(get("/folder/vm/none?dsName=one").status, 404);
    EXPECT_EQ(get("/folder/vm/none?dsName=none").status, 404);
    EXPECT_EQ(get("/folder/vm?dcPath=other&dsName=one").status, 404);
    EXPECT_EQ(get("/folder/vm").status, 400);
    EXPECT_EQ(get("/folder/.drover/datastore.json?dsName=one").status, 404);
    EXPECT_EQ(send(request("POST", target)).status, 405);
}

TEST_F(Folder, ListsDatastoresAndDirectories) {
    host.write("one/vm/a&b.iso", "12345");
    const auto datastores = body(get("/folder"));
    EXPECT_NE(datastores.find("dsName=one"), datastores.npos);
    EXPECT_NE(datastores.find("dsName=two"), datastores.npos);
    const auto page = body(get("/folder/vm?dsName=one"));
    EXPECT_NE(page.find("a&amp;b.iso</a>"), page.npos);
    EXPECT_NE(page.find("<td>5</td>"), page.npos);
    const auto root = body(get("/folder/?dcPath=%2Fha-datacenter&dsName=one"));
    EXPECT_NE(root.find("vm/</a>"), root.npos);
    EXPECT_EQ(root.find(".drover"), root.npos);
}

TEST_F(Folder, TakesFiles) {
    std::filesystem::create_directories(host.config.datastores[0].path / "d");
    const std::string content = std::string(2'500'000, 'q') + "end";
    EXPECT_EQ(put("/folder/d/new?dsName=one", content).status, 201);
    EXPECT_EQ(host.read("one/d/new"), content);
    EXPECT_EQ(put("/folder/d/new?dsName=one", "short", false).status, 200);
    EXPECT_EQ(host.read("one/d/new"), "short");
    EXPECT_EQ(put("/folder/d/empty?dsName=one", "").status, 201);
    EXPECT_EQ(host.read("one/d/empty"), "");
    EXPECT_EQ(put("/folder/made/on/the/way/new?dsName=one", "x").status, 201);
    EXPECT_EQ(get("/folder/made/on/the/way/new?dsName=one").status, 200);
    EXPECT_EQ(put("/folder/d?dsName=one", "x").status, 409);
    EXPECT_EQ(put("/folder?dsName=one", "x").status, 405);
    EXPECT_EQ(put("/folder/.drover-x?dsName=one", "x").status, 404);
}

TEST_F(Folder, CutUploadsLeaveNoTrace) {
    host.write("one/old", "old");
    const std::string content(3'000'000, 'q');
    EXPECT_EQ(put("/folder/new?dsName=one", content, true, 2'000'000).status, 400);
    EXPECT_EQ(put("/folder/old?dsName=one", content, false, 1'000'000).status, 400);
    EXPECT_EQ(host.read("one/old"), "old");
    // The writer is dropped behind whatever its queue does.
    host.run(host.runtime.blocking("transfers:one", [] {}, std::chrono::seconds(10)));
    std::size_t left = 0;
    for (const auto& item : std::filesystem::directory_iterator(host.config.datastores[0].path)) {
        if (item.is_regular_file()) ++left;
    }
    EXPECT_EQ(left, 1u);
}

TEST_F(Folder, GoesOnWithAnUploadThatWasCut) {
    const std::string content = std::string(3'000'000, 'q') + "the end";
    const std::string target = "/folder/new?dsName=one";
    const auto range = [&](std::size_t first) {
        return fmt::format("bytes {}-{}/{}", first, content.size() - 1, content.size());
    };
    const std::string asks = fmt::format("bytes */{}", content.size());
    EXPECT_EQ(put_part(target, asks, "").headers.get("Range"), std::nullopt);
    EXPECT_EQ(put_part(target, range(0), content, 2'500'000).status, 400);
    EXPECT_FALSE(host.exists("one/new"));
    // What came in whole pieces has stayed.
    auto there = put_part(target, asks, "");
    EXPECT_EQ(there.status, 202);
    EXPECT_EQ(there.headers.get("Range"), "bytes=0-2097151");
    // Another size, another beginning: not this upload.
    EXPECT_EQ(put_part(target, "bytes */7", "").headers.get("Range"), std::nullopt);
    auto refused = put_part(target, range(100), content.substr(100));
    EXPECT_EQ(refused.status, 416);
    EXPECT_EQ(refused.headers.get("Range"), "bytes=0-2097151");
    // A part in the middle, then the rest.
    const auto middle = fmt::format("bytes 2097152-2999999/{}", content.size());
    there = put_part(target, middle, content.substr(2'097'152, 902'848));
    EXPECT_EQ(there.status, 202);
    EXPECT_EQ(there.headers.get("Range"), "bytes=0-2999999");
    EXPECT_EQ(put_part(target, range(3'000'000), content.substr(3'000'000)).status, 201);
    EXPECT_EQ(host.read("one/new"), content);
    EXPECT_EQ(put_part(target, asks, "").headers.get("Range"), std::nullopt);
}

TEST_F(Folder, RefusesPartsThatAreNone) {
    const std::string target = "/folder/new?dsName=one";
    for (const std::string range : {"bytes 0-1/", "bytes 0-1/1", "bytes 1-0/5", "lines 0-1/5",
                                    "bytes 0-1/*", "bytes 0-5/5", "bytes 0-4/10"}) {
        EXPECT_EQ(put_part(target, range, "xy").status, 400) << range;
    }
    EXPECT_EQ(put_part(target, "bytes 0-9/10", "0123456789ab", SIZE_MAX, false).status, 400);
    EXPECT_EQ(put_part(target, "bytes 0-9/10", "01234", SIZE_MAX, false).status, 400);
    EXPECT_EQ(put_part(target, "bytes 0-1/99999999999999999", "xy").status, 413);
    EXPECT_FALSE(host.exists("one/new"));
}

TEST_F(Folder, RefusesWhatDoesNotFit) {
    class Huge final : public http::BodyReader {
    public:
        task::Awaitable<std::size_t> read(std::span<char>) override { co_return 0; }
        std::optional<std::uint64_t> content_length() const override { return bytes; }
        std::uint64_t bytes = 0;
    };
    auto body_reader = std::make_shared<Huge>();
    auto made = request("PUT", "/folder/new?dsName=one");
    made.body_reader = body_reader;
    body_reader->bytes = host.entry().info.capacity_bytes - 1;
    EXPECT_EQ(send(made).status, 507);
    body_reader->bytes = UINT64_MAX;
    EXPECT_EQ(send(made).status, 413);
    EXPECT_FALSE(host.exists("one/new"));
}

TEST_F(Folder, RemovesFiles) {
    host.write("one/d/x", "");
    EXPECT_EQ(send(request("DELETE", "/folder/d?dsName=one")).status, 409);
    EXPECT_EQ(send(request("DELETE", "/folder/d/x?dsName=one")).status, 204);
    EXPECT_EQ(send(request("DELETE", "/folder/d/x?dsName=one")).status, 404);
    EXPECT_EQ(send(request("DELETE", "/folder/d?dsName=one")).status, 204);
    EXPECT_EQ(send(request("DELETE", "/folder/?dsName=one")).status, 405);
}

TEST_F(Folder, WantsALogin) {
    host.write("one/x", "content");
    accounts.set_password("root", "secret");
    const auto with = [&](const std::string& authorization) {
        http::Request made = request("GET", "/folder/x?dsName=one");
        made.headers.set("Cookie", "vmware_soap_session=\"wrong\"");
        if (!authorization.empty()) made.headers.set("Authorization", authorization);
        return send(std::move(made));
    };
    const auto refused = with("");
    EXPECT_EQ(refused.status, 401);
    EXPECT_TRUE(refused.headers.get("WWW-Authenticate")->starts_with("Basic realm="));
    EXPECT_EQ(with("Basic cm9vdDp3cm9uZw==").status, 401);
    EXPECT_EQ(verified, 1);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(with("Basic cm9vdDpzZWNyZXQ=").status, 200);
    EXPECT_EQ(verified, 2);
    // What was good before the password changed must be checked again.
    accounts.set_password("root", "changed");
    stored_hash = "another hash";
    EXPECT_EQ(with("Basic cm9vdDpzZWNyZXQ=").status, 401);
    EXPECT_EQ(verified, 3);
    stored_hash.clear();  // the account is gone: nothing is remembered of it
    EXPECT_EQ(with("Basic cm9vdDpjaGFuZ2Vk").status, 200);
    EXPECT_EQ(with("Basic cm9vdDpjaGFuZ2Vk").status, 200);
    EXPECT_EQ(verified, 5);
}

TEST_F(Folder, ChecksPrivileges) {
    host.write("one/x", "content");
    host.refused_privileges = {"Datastore.FileManagement"};
    EXPECT_EQ(get("/folder/x?dsName=one").status, 200);
    EXPECT_EQ(put("/folder/x?dsName=one", "y").status, 403);
    EXPECT_EQ(send(request("DELETE", "/folder/x?dsName=one")).status, 403);
    host.refused_privileges = {"Datastore.Browse"};
    EXPECT_EQ(get("/folder/x?dsName=one").status, 403);
    const auto page = body(get("/folder"));
    EXPECT_EQ(page.find("dsName=one"), page.npos);
}

TEST_F(Folder, FilesOfRunningMachinesStay) {
    host.write("one/vm/vm.vmx", "old");
    host.write("one/vm/vm-flat.raw", "data");
    const auto machine = host.add_machine("[one] vm/vm.vmx", true);
    machine::DiskFacts disk;
    disk.extent_file = "[one] vm/vm-flat.raw";
    machine->disks["[one] vm/vm.vmdk"] = disk;
    EXPECT_EQ(put("/folder/vm/vm.vmx?dsName=one", "new").status, 423);
    EXPECT_EQ(send(request("DELETE", "/folder/vm/vm.vmx?dsName=one")).status, 423);
    EXPECT_EQ(get("/folder/vm/vm-flat.raw?dsName=one").status, 423);
    EXPECT_EQ(body(get("/folder/vm/vm.vmx?dsName=one")), "old");
    EXPECT_EQ(put("/folder/vm/vm-1.iso?dsName=one", "new").status, 201);
}

}  // namespace
}  // namespace drover::host::files
