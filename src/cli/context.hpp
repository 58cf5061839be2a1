#pragma once

// What every command shares: the global options, the connection, and where output goes.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/output.hpp"
#include "client/connection.hpp"
#include "client/find.hpp"
#include "client/properties.hpp"
#include "client/retrieve.hpp"
#include "client/wait.hpp"

namespace drover::cli {

/// What programs that call us may rely on.
enum ExitCode : int { ok = 0, failed = 1, usage = 2, no_connection = 3 };

struct GlobalOptions {
    std::string output = "table";  ///< or json
    std::string connection;        ///< a stored one; empty: DROVER_URL, else the last login
    bool async = false;            ///< start tasks, don't wait for them
};

/// A command failed and has said why.
struct AlreadyReported {};

class Context {
public:
    Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context();

    GlobalOptions options;

    bool json() const { return options.output == "json"; }

    /// The server that the command speaks to; opened at first use. Throws ConnectionError.
    client::Connection& connection();

    void print(const Table& table) const;
    void print(const Report& report) const;
    /// A sentence about what was done; nothing with JSON output.
    void say(std::string_view sentence) const;
    /// To standard error.
    void warn(std::string_view sentence) const;

private:
    std::unique_ptr<client::Connection> connection_;
    bool log_out_ = false;  // the session is this command's own
};

/// A task to start: on what, and how.
struct Job {
    std::string name;
    std::function<vim::MoRef()> start;
};

/// Starts all jobs, then waits for each with a line of progress (or, with --async, prints the
/// tasks). `done` completes "web1: ..." for people. A fault of one does not keep the others from
/// going on. Throws AlreadyReported if any failed. The finished tasks, one per job; unset for
/// --async.
std::vector<vim::TaskInfo> run_jobs(Context& context, std::string_view done,
                                    const std::vector<Job>& jobs);

/// One job whose outcome the command itself reports; faults pass through. With --async the task is
/// printed and the result is unset.
vim::TaskInfo run_job(Context& context, const Job& job);

/// A question before something is lost; only people at a terminal are asked. Throws UsageError on
/// no.
void confirm(const Context& context, bool yes, std::string_view question);

/// A task as one row or report.
std::string task_words(const vim::TaskInfo& info);

}  // namespace drover::cli
