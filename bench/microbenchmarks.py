"""The C++ benchmarks beside the code (src/*/*_bench.cpp), each row as they print it."""

import json
import os
import subprocess

_LIBRARIES = ["model", "store", "http", "vim"]


def rows(build):
    for library in _LIBRARIES:
        program = os.path.join(build, "bin", f"{library}_bench")
        command = f"BUILD/bin/{library}_bench"
        if not os.access(program, os.X_OK):
            yield (f"{library}: not built", "-", "", False, command)
            continue
        result = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.2"],
                                capture_output=True, text=True, check=False)
        if result.returncode != 0:
            yield (f"{library}: failed with {result.returncode}", "-", "", False, command)
            continue
        for item in json.loads(result.stdout)["benchmarks"]:
            value = f"{_rounded(item['real_time'])} {item['time_unit']}"
            yield (item["name"][:52], value, "", "error_occurred" not in item, command)


def _rounded(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
