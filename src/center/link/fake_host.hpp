#pragma once

// For tests: a small host on a real TLS server, with sessions, collectors and tasks, that can
// freeze, forget its sessions, and stop.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "center/link/host_link.hpp"
#include "http/server.hpp"
#include "model/test_world.hpp"
#include "service/property_collector.hpp"
#include "service/sdk_endpoint.hpp"
#include "service/session_manager.hpp"
#include "store/temporary_directory.hpp"
#include "task/tasks.hpp"

namespace drover::center::test {

/// An io_context that the test drives in its own thread, in real time.
struct Loop {
    boost::asio::io_context io;
    base::SystemClock clock;
    task::Runtime runtime{boost::asio::make_strand(io), clock, 4};

    /// False if the condition did not hold within `limit`.
    bool run_until(const std::function<bool()>& condition,
                   std::chrono::milliseconds limit = std::chrono::seconds{20}) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io.restart();
            io.run_one_for(std::chrono::milliseconds{10});
        }
        return true;
    }
    void run_for(std::chrono::milliseconds time) {
        run_until([] { return false; }, time);
    }
    template <class T>
    std::future<T> start(task::Awaitable<T> coroutine) {
        return boost::asio::co_spawn(runtime.strand(), std::move(coroutine),
                                     boost::asio::use_future);
    }
    template <class T>
    T run(task::Awaitable<T> coroutine) {
        auto future = start(std::move(coroutine));
        if (!run_until([&future] {
                return future.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
            })) {
            throw std::logic_error("this never ends");
        }
        return future.get();
    }
};

inline const http::TlsIdentity& identity(int number = 0) {
    static const http::TlsIdentity made[2] = {http::TlsIdentity::generate("host1", {"127.0.0.1"}),
                                              http::TlsIdentity::generate("host1", {"127.0.0.1"})};
    return made[number];
}

inline vim::Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const std::exception& failure) {
        return vim::make_fault<vim::SystemError>(failure.what());
    }
}

class FakeHost {
public:
    explicit FakeHost(Loop& loop) : loop_(loop) {
        accounts_.set_password("center", "secret-of-the-center");
        serve();
        listen();
    }
    ~FakeHost() { server_.reset(); }

    LinkTarget target() const {
        return {"127.0.0.1", port_, identity().thumbprint_sha256(), "center",
                "secret-of-the-center"};
    }

    void listen(int number = 0) {
        http::ServerOptions options;
        options.identity = identity(number);
        server_ = std::make_unique<http::Server>(
            loop_.io.get_executor(), std::move(options),
            [this](http::Request request) { return handle(std::move(request)); });
        port_ = server_->bind("127.0.0.1", port_);
    }
    /// Cuts all connections and listens no more.
    void go_down() {
        loop_.run(server_->stop(std::chrono::milliseconds{1}));
        server_.reset();
    }
    void forget_sessions() {
        for (const auto& session : sessions_.all()) sessions_.close(session->key);
    }
    service::Sessions& sessions() { return sessions_; }

    bool frozen = false;  ///< answers nothing, as under SIGSTOP
    int task_steps = 3;   ///< of PowerOnVM_Task
    std::optional<vim::Fault> task_fault;
    model::testing::World world;
    task::Tasks& tasks() { return *tasks_; }

private:
    static bool may(const task::Caller& caller, const vim::MoRef&, std::string_view privilege) {
        return !caller.session_key.empty() || privilege == "System.Anonymous";
    }

    task::Awaitable<http::Response> handle(http::Request request) {
        while (frozen) co_await loop_.runtime.sleep(std::chrono::milliseconds{5});
        auto response = co_await endpoint_->handle(std::move(request));
        while (frozen) co_await loop_.runtime.sleep(std::chrono::milliseconds{5});
        co_return response;
    }

    task::Awaitable<vim::Value> power_on(task::Call, task::TaskContextPtr context) {
        for (int step = 1; step <= task_steps; ++step) {
            co_await loop_.runtime.sleep(std::chrono::milliseconds{20});
            context->set_progress(step * 100 / (task_steps + 1));
        }
        if (task_fault) throw *task_fault;
        co_return vim::Value{};
    }

    void serve() {
        {
            model::Transaction transaction(world.inventory);
            transaction.create(vim::TypeId::ServiceInstance, "ServiceInstance");
            transaction.create(vim::TypeId::TaskManager, "tm");
            transaction.commit();
        }
        tasks_.emplace(loop_.runtime, world.inventory, vim::MoRef{vim::TypeId::TaskManager, "tm"},
                       fault_of);
        service::serve_property_collector(dispatcher_, collectors_, [](const task::Caller& caller) {
            return std::make_shared<service::CallerReader>(caller, may);
        });
        sessions_.on_end(
            [this](const service::Session& session) { collectors_.end_session(session.key); });
        dispatcher_.add_direct("RetrieveServiceContent", [this](const task::Call&) -> vim::Value {
            auto content = vim::ServiceContent::make();
            content.set_rootFolder(world.root);
            content.set_propertyCollector({vim::TypeId::PropertyCollector, "pc"});
            content.set_sessionManager({vim::TypeId::SessionManager, "sm"});
            content.set_taskManager({vim::TypeId::TaskManager, "tm"});
            auto about = vim::AboutInfo::make();
            about.set_apiType("HostAgent");
            content.set_about(about);
            return content;
        });
        dispatcher_.add_direct("CurrentTime", [this](const task::Call&) {
            return vim::Value::date_time(loop_.clock.wall_now());
        });
        tasks_->add_method(dispatcher_, "PowerOnVM_Task", "VirtualMachine.powerOn",
                           [this](task::Call call, task::TaskContextPtr context) {
                               return power_on(std::move(call), std::move(context));
                           });
        endpoint_.emplace(service::SdkEndpoint::Parts{
            loop_.runtime, dispatcher_, sessions_,
            [this](const task::Caller& caller, const vim::MoRef& object, const std::string& path) {
                return model::fetch(world.inventory, service::CallerReader(caller, may), object,
                                    path);
            },
            fault_of});
    }

    Loop& loop_;
    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_ = store::open_sqlite_store(directory_.path() / "s.db");
    service::Accounts accounts_{*store_};
    base::SystemRandom random_;
    service::Sessions sessions_{loop_.clock, random_};
    task::Dispatcher dispatcher_{world.inventory, may};
    model::PropertyCollectors collectors_{
        world.inventory, "pc", random_, [this](std::function<void()> job) {
            boost::asio::post(loop_.runtime.strand(), std::move(job));
        }};
    service::SessionManager session_manager_{dispatcher_,     loop_.runtime,
                                             world.inventory, sessions_,
                                             accounts_,       {vim::TypeId::SessionManager, "sm"}};
    std::optional<task::Tasks> tasks_;
    std::optional<service::SdkEndpoint> endpoint_;
    std::unique_ptr<http::Server> server_;
    std::uint16_t port_ = 0;
};

}  // namespace drover::center::test
