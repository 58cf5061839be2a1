// Tasks of the server, seen from a command: started, followed with a line of progress, reported.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "cli/context.hpp"
#include "cli/fault_text.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"

namespace drover::cli {
namespace {

// What Ctrl-C prints: the task goes on without us. Written before the handler is set.
std::array<char, 256> interrupt_notice{};

void on_interrupt(int number) {
    const auto written =
        ::write(STDERR_FILENO, interrupt_notice.data(), ::strnlen(interrupt_notice.data(), 255));
    static_cast<void>(written);
    ::_exit(128 + number);
}

// Says on Ctrl-C which task goes on, while it lives.
class InterruptNotice {
public:
    explicit InterruptNotice(const vim::MoRef& task) {
        interrupt_notice.fill(0);
        const std::string text =
            fmt::format("\ndrover: the task goes on; wait for it with: drover task wait {}\n",
                        printable(task.id).substr(0, 128));
        text.copy(interrupt_notice.data(), interrupt_notice.size() - 1);
        struct sigaction action{};
        action.sa_handler = on_interrupt;
        ::sigaction(SIGINT, &action, &before_);
    }
    InterruptNotice(const InterruptNotice&) = delete;
    InterruptNotice& operator=(const InterruptNotice&) = delete;
    ~InterruptNotice() { ::sigaction(SIGINT, &before_, nullptr); }

private:
    struct sigaction before_{};
};

// One line on a terminal that is written again and again.
class ProgressLine {
public:
    ProgressLine(const Context& context, std::string name)
        : name_(std::move(name)), visible_(error_is_terminal() && !context.json()) {}
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() {
        if (shown_) fmt::print(stderr, "\r\033[K");
    }
    void show(const vim::TaskInfo& info) {
        const bool running = info.state() == vim::TaskInfoState::running ||
                             info.state() == vim::TaskInfoState::queued;
        if (!visible_ || !running) return;
        shown_ = true;
        const std::string line = fmt::format("{}: {}", name_, task_words(info));
        fmt::print(stderr, "\r\033[K{}", fitted(printable(line), 78));
        std::fflush(stderr);
    }

private:
    std::string name_;
    bool visible_;
    bool shown_ = false;
};

vim::TaskInfo wait_for(Context& context, const std::string& name, const vim::MoRef& task) {
    const InterruptNotice notice(task);
    ProgressLine line(context, name);
    return client::wait_for_task(context.connection(), task,
                                 [&](const vim::TaskInfo& info) { line.show(info); });
}

struct Outcome {
    vim::MoRef task;
    vim::TaskInfo info;
    std::string fault;  // empty: no fault
    std::string fault_type;
};

void note_fault(const Context& context, const std::string& name, const vim::Fault& fault,
                Outcome& outcome) {
    outcome.fault = fault.message();
    outcome.fault_type = vim::describe(fault.fault().dynamic_type()).name();
    context.warn(fmt::format("{}: {}", name, fault_text(fault)));
}

void print_outcomes(const Context& context, const std::vector<Job>& jobs,
                    const std::vector<Outcome>& outcomes) {
    Table table(
        {{"name", "NAME"}, {"task", "TASK"}, {"state", ""}, {"fault", ""}, {"message", ""}});
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const Outcome& outcome = outcomes[i];
        std::string_view state = outcome.fault_type.empty() ? "started" : "error";
        if (outcome.info) state = vim::to_string(outcome.info.state());
        table.add({text_cell(jobs[i].name), text_cell(outcome.task.id), text_cell(state),
                   text_cell(outcome.fault_type), text_cell(outcome.fault)});
    }
    context.print(table);
}

}  // namespace

std::string task_words(const vim::TaskInfo& info) {
    const auto state = info.state();
    if (state == vim::TaskInfoState::queued) return "queued";
    if (state != vim::TaskInfoState::running) return std::string(vim::to_string(state));
    const auto progress = info.progress();
    if (!progress || *progress < 0 || *progress > 100) return "running";
    constexpr std::size_t kBar = 30;
    const std::size_t full = kBar * static_cast<std::size_t>(*progress) / 100;
    return fmt::format("[{}{}] {} %", std::string(full, '#'), std::string(kBar - full, '.'),
                       *progress);
}

std::vector<vim::TaskInfo> run_jobs(Context& context, std::string_view done,
                                    const std::vector<Job>& jobs) {
    std::vector<Outcome> outcomes(jobs.size());
    bool any_failed = false;
    const auto guarded = [&](std::size_t i, const auto& step) {
        try {
            step();
        } catch (const vim::Fault& fault) {
            note_fault(context, jobs[i].name, fault, outcomes[i]);
            any_failed = true;
        }
    };
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        guarded(i, [&] { outcomes[i].task = jobs[i].start(); });
    }
    for (std::size_t i = 0; i < jobs.size() && !context.options.async; ++i) {
        if (!outcomes[i].task) continue;
        guarded(i, [&] {
            outcomes[i].info = wait_for(context, jobs[i].name, outcomes[i].task);
            context.say(fmt::format("{}: {}", jobs[i].name, done));
        });
    }
    if (context.json() || context.options.async) print_outcomes(context, jobs, outcomes);
    if (any_failed) throw AlreadyReported{};
    std::vector<vim::TaskInfo> out;
    for (auto& outcome : outcomes) out.push_back(std::move(outcome.info));
    return out;
}

vim::TaskInfo run_job(Context& context, const Job& job) {
    Outcome outcome;
    outcome.task = job.start();
    if (context.options.async) {
        print_outcomes(context, {job}, {outcome});
        return {};
    }
    return wait_for(context, job.name, outcome.task);
}

}  // namespace drover::cli
