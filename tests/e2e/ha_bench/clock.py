"""A wall clock for drover-had that can be stepped; the machine's own is never touched."""

import os
import shutil
import struct
import subprocess
import tempfile

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* shift_s;

__attribute__((constructor)) static void open_shift(void) {
    const char* path = getenv("DROVER_TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void* page = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) shift_s = page;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && shift_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += *shift_s;
    }
    return result;
}

int gettimeofday(struct timeval* now, void* zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* also) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (also) *also = exact.tv_sec;
    return exact.tv_sec;
}
"""

# The processes keep the program's name: that is how they are found.
_WRAPPER = """#!/bin/bash
export LD_PRELOAD={state}/shift.so DROVER_TEST_CLOCK={state}/$HOSTNAME
exec {state}/drover-had "$@"
"""


class Shift:
    """Wraps drover-had so that a file says by how many seconds its wall clock is wrong."""

    def __init__(self):
        # Hosts have a /run of their own.
        self._directory = tempfile.mkdtemp(prefix="drover-clock-", dir="/var/tmp")
        os.chmod(self._directory, 0o755)
        source = os.path.join(self._directory, "shift.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(_SOURCE)
        compiler = next(name for name in ("cc", "gcc", "clang-19", "clang") if shutil.which(name))
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o",
                        os.path.join(self._directory, "shift.so"), source], check=True)
        os.unlink(source)

    def programs(self, original):
        """A directory with all programs of `original`, drover-had wrapped."""
        target = os.path.join(self._directory, "bin")
        os.makedirs(target)
        for name in os.listdir(original):
            path = os.path.join(original, name)
            wanted = name.startswith("drover") or name in ("ha-front", "recorder.bin")
            if wanted and os.path.isfile(path) and name != "drover-had":
                os.symlink(path, os.path.join(target, name))
        shutil.copy(os.path.join(original, "drover-had"), self._directory)
        wrapper = os.path.join(target, "drover-had")
        with open(wrapper, "w", encoding="ascii") as file:
            file.write(_WRAPPER.format(state=self._directory))
        os.chmod(wrapper, 0o755)
        return target

    def enter(self, _sandbox):
        for number in range(1, 17):
            self.set(f"host{number}", 0)

    def set(self, host, seconds):
        path = os.path.join(self._directory, host)
        flags = os.O_RDWR | os.O_CREAT
        with os.fdopen(os.open(path, flags, 0o644), "r+b") as file:
            file.write(struct.pack("<q", seconds))

    def close(self):
        shutil.rmtree(self._directory, ignore_errors=True)
