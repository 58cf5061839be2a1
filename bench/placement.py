"""Planning time, memory and the safety judge. The races need data and time: see placement/."""

import os
import re
import subprocess


def rows(build):
    yield from _scale(build)
    yield _judge(build)


def _scale(build):
    for size, full_s, again_s in (("96 10000", 1, 1), ("1000 50000", 10, 1)):
        command = f"BUILD/bin/plan_scale {size}"
        name = "placement: {} hosts, {} machines".format(*size.split())
        program = os.path.join(build, "bin", "plan_scale")
        if not os.access(program, os.X_OK):
            yield (f"{name}: not built", "-", "", False, command)
            continue
        text = subprocess.run([program, *size.split()], capture_output=True, text=True,
                              check=True).stdout
        full, again = map(float, re.search(r"plan ([\d.]+) s.*again ([\d.]+) s", text).groups())
        p99_us, rss_mib = map(int, re.search(r"p99 (\d+) us, RSS (\d+)", text).groups())
        yield (f"{name}: plan", f"{full:.2f} s", f"{full_s} s", full <= full_s, command)
        yield (f"{name}: again", f"{again:.2f} s", f"{again_s} s", again <= again_s, command)
        yield (f"{name}: one, p99", f"{p99_us} us", "1000 us", p99_us <= 1000, command)
        yield (f"{name}: RSS", f"{rss_mib} MiB", "512 MiB", rss_mib <= 512, command)


def _judge(build):
    command = "DROVER_PLAN_SOAK=1000 BUILD/bin/plan_judge_test --gtest_filter=PlanSafety.*"
    program = os.path.join(build, "bin", "plan_judge_test")
    if not os.access(program, os.X_OK):
        return ("placement: plans judged: not built", "-", "", False, command)
    result = subprocess.run([program, "--gtest_filter=PlanSafety.*"], capture_output=True,
                            check=False, env={**os.environ, "DROVER_PLAN_SOAK": "1000"})
    value = "no complaint" if result.returncode == 0 else "complaints"
    return ("placement: 1,000 random plans judged", value, "none", result.returncode == 0, command)
