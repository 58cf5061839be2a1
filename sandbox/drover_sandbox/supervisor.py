"""The first process of a host: makes the host's world, then starts, reaps and restarts daemons.

It is process 1 of the host's process namespace: when it goes, by whatever means, the kernel kills
everything in the host, machines included. That is the host's power switch.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import traceback

from . import cgroup, host_files, lesser_cpu, network, system
from . import plan as plans

_RUN_BYTES = "64m"
_LIBVIRT_SOCKET = "/run/libvirt/libvirt-sock"
_ROOTD_SOCKET = "/run/drover/rootd.sock"
_MAX_LOG_BYTES = 8 << 20
_SLOWEST_RESTART_S = 5.0
_STEADY_S = 30.0  # a daemon that ran so long starts again at once


def spawn(plan, host):
    """Forks a host; returns (pid, a pipe to send it "go", a pipe with its answer).

    The caller lays the cables to the host's network namespace between the two. The answer is
    b"ok" or the reason why it failed.
    """
    pid_read, pid_write = os.pipe()
    go_read, go_write = os.pipe()
    answer_read, answer_write = os.pipe()
    middle = cgroup.fork_into(plan)
    if middle == 0:
        try:
            browser = _listen_for_browser(plan) if host.is_center else None
            log = os.path.join(plan.log_directory(host), "supervisor.log")
            system.detach(log)
            kept = {browser.fileno()} if browser else set()
            system.close_all_but({pid_write, go_read, answer_write} | kept)
            system.unshare(system.CLONE_NEWNS | system.CLONE_NEWUTS | system.CLONE_NEWIPC
                           | system.CLONE_NEWPID | system.CLONE_NEWNET)
            pid = os.fork()
            if pid == 0:
                os.close(pid_write)
                _main(plan, host, go_read, answer_write, browser)
            os.write(pid_write, b"%d" % pid)
        except BaseException:  # noqa: BLE001  nothing may run on in a forked copy of the caller
            traceback.print_exc()
        finally:
            os._exit(0)
    for descriptor in (pid_write, go_read, answer_write):
        os.close(descriptor)
    text = os.read(pid_read, 32)
    os.close(pid_read)
    os.waitpid(middle, 0)
    return int(text or b"0"), go_write, answer_read


def _listen_for_browser(plan):
    """Opens the center's port on this machine's own loopback interface.

    A socket stays in the network namespace in which it was made, so it works inside the center's.
    """
    return socket.create_server(("127.0.0.1", plan.center_port), backlog=128)


def _main(plan, host, go, answer, browser):
    """Process 1 of the host; never returns."""
    try:
        if os.read(go, 8) != b"go":
            os._exit(1)  # whoever wanted us is gone
        os.close(go)
        _make_world(plan, host)
        if host.is_center:
            network.configure_center(plan, host)
            daemons = _start_center(plan, host, browser)
        else:
            network.configure_host(plan, host)
            daemons = _start_daemons(plan, host)
        os.write(answer, b"ok")
    except BaseException as error:  # noqa: BLE001  the reason goes to the caller
        traceback.print_exc()
        os.write(answer, str(error).encode()[-900:] or b"failed")
        os._exit(1)
    os.close(answer)
    try:
        _watch(plan, host, daemons)
    finally:
        os._exit(0)


def _make_world(plan, host):
    """Gives the host its own view of /proc, /sys, /run and libvirt's directories."""
    base = plan.host_directory(host)
    system.mount(None, "/", None, system.MS_REC | system.MS_PRIVATE)
    system.set_hostname(host.name)
    safe = system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
    # A /sys of this network namespace, with the machine's cgroups moved over from the old one.
    system.mount("tmpfs", "/run", "tmpfs", system.MS_NOSUID | system.MS_NODEV,
                 f"mode=755,size={_RUN_BYTES}")
    os.mkdir("/run/cgroup")
    system.mount("/sys/fs/cgroup", "/run/cgroup", None, system.MS_BIND | system.MS_REC)
    system.mount("sysfs", "/sys", "sysfs", safe)
    system.mount("/run/cgroup", "/sys/fs/cgroup", None, system.MS_MOVE)
    os.rmdir("/run/cgroup")
    system.mount("proc", "/proc", "proc", safe)
    _hide_useless_kvm()
    # The fresh /run hides the machine's system bus: libvirt must not hand guests to machined.
    for name in ("libvirt", "drover", "lock"):
        os.mkdir(f"/run/{name}", 0o755)
    private = {} if host.is_center else host_files.PRIVATE_DIRECTORIES
    for name, target in private.items():
        os.makedirs(target, exist_ok=True)
        system.mount(os.path.join(base, name), target, None, system.MS_BIND)
    for name in ("hosts", "hostname") if plan.names else ("hosts", "hostname", "resolv.conf"):
        if os.path.exists(f"/etc/{name}"):
            system.mount(os.path.join(base, name), f"/etc/{name}", None, system.MS_BIND)
    if os.path.ismount(plan.front_directory(host)):
        system.mount(plan.front_directory(host), plan.datastore_directory, None, system.MS_BIND)
    if host.cpu_less:
        lesser_cpu.install(plan, host)


class Daemon:
    """One program that is to run for as long as the host does."""

    def __init__(self, plan, host, command, name=None, listeners=()):
        self.name = name or os.path.basename(command[0])
        self.pid = 0
        self.next_start = 0.0
        self._command = command
        self._listeners = listeners
        self._log = os.path.join(plan.log_directory(host), f"{self.name}.log")
        self._started = 0.0
        self._pause_s = 0.1

    def start(self):
        self._started = time.monotonic()
        self._rotate_log()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become()
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
            finally:
                os._exit(127)

    def ended(self, status):
        """Notes the end of the process and when to start the next."""
        now = time.monotonic()
        if now - self._started > _STEADY_S:
            self._pause_s = 0.1
        self.next_start = now + self._pause_s
        self._pause_s = min(self._pause_s * 2, _SLOWEST_RESTART_S)
        self.pid = 0
        print(f"{time.strftime('%F %T')} {self.name} ended with status {status}", flush=True)

    def _become(self):
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LANG": "C.UTF-8", "HOME": "/"}
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.setsid()
        if self._listeners:
            _hand_over(self._listeners)
            environment.update(LISTEN_FDS=str(len(self._listeners)), LISTEN_PID=str(os.getpid()))
        os.execvpe(self._command[0], self._command, environment)

    def _rotate_log(self):
        try:
            if os.path.getsize(self._log) > _MAX_LOG_BYTES:
                os.replace(self._log, self._log + ".1")
        except OSError:
            pass  # no log yet


def _hand_over(listeners):
    """Makes the sockets descriptors 3 and up, as systemd's protocol wants them."""
    moved = [fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 64) for listener in listeners]
    for number, descriptor in enumerate(moved, start=3):
        os.dup2(descriptor, number)
        os.set_inheritable(number, True)
        os.close(descriptor)


def unprivileged(command):
    """Returns the command line that runs `command` as user drover without any capability."""
    return ["setpriv", f"--reuid={plans.USER}", f"--regid={plans.USER}", "--clear-groups",
            "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs",
            *command]


def _start_daemons(plan, host):
    """Starts everything in the order in which it is needed."""
    daemons = []

    def start(command, **keywords):
        daemon = Daemon(plan, host, command, **keywords)
        daemon.start()
        daemons.append(daemon)
        return daemon

    listeners = []
    if plan.hostd:
        # Open before hostd and for as long as the host lives: clients may connect at any time.
        listeners.append(socket.create_server((plan.address(host), 443), backlog=128))
        rootd = start([plan.program("drover-rootd"), "--socket", _ROOTD_SOCKET, "--peer-user",
                       plans.USER, "--datastore-root", plan.datastore_directory,
                       "--bridge-prefix", plans.BRIDGE_PREFIX])
    libvirtd = start(["libvirtd", "--listen", "--pid-file", "/run/libvirt/libvirtd.pid"])
    _wait_for_socket(_LIBVIRT_SOCKET, libvirtd, 20.0)
    if plan.hostd:
        _wait_for_socket(_ROOTD_SOCKET, rootd, 5.0, socket.SOCK_SEQPACKET)
        hostd = plan.program("drover-hostd")
        _set_password(plan, host, hostd)
        start(unprivileged([hostd, "--config", plan.config_file(host)]), name="drover-hostd",
              listeners=listeners)
    _protect(plan, host, daemons)
    return daemons


def _protect(plan, host, daemons):
    """Starts high availability, which waits until something is to be protected."""
    if host.is_center or not os.path.exists(plan.ha_config_file(host)):
        return
    if not os.path.exists(plan.program("drover-had")):
        return  # it was not built
    if any(daemon.name == "drover-had" for daemon in daemons):
        return
    daemon = Daemon(plan, host, [plan.program("drover-had"), "--config",
                                 plan.ha_config_file(host)])
    daemon.start()
    daemons.append(daemon)


def _start_center(plan, center, browser):
    listeners = [socket.create_server((plan.address(center), 443), backlog=128), browser]
    centerd = plan.program("drover-centerd")
    _set_password(plan, center, centerd)
    daemon = Daemon(plan, center, unprivileged([centerd, "--config", plan.config_file(center)]),
                    name="drover-centerd", listeners=listeners)
    daemon.start()
    return [daemon]


def _hide_useless_kvm():
    """Covers a /dev/kvm that runs no machines.

    libvirt would otherwise probe QEMU as root, who may open it, find that QEMU's own user may not,
    and probe again at every start of a machine: seconds each time.
    """
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = file.read().split()
    if "vmx" in flags or "svm" in flags or not os.path.exists("/dev/kvm"):
        return
    with open("/run/no-kvm", "w", encoding="ascii"):
        pass
    os.chmod("/run/no-kvm", 0)
    system.mount("/run/no-kvm", "/dev/kvm", None, system.MS_BIND)


def _wait_for_socket(path, daemon, wait_s, kind=socket.SOCK_STREAM):
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX, kind) as client:
            try:
                client.connect(path)
                return
            except OSError:
                pass
        if os.waitid(os.P_PID, daemon.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.02)
    raise RuntimeError(f"{daemon.name} does not answer on {path}; see its log")


def _set_password(plan, host, program):
    """Makes the first account, once in the life of the host."""
    done = os.path.join(plan.host_directory(host), "account-made")
    if os.path.exists(done):
        return
    result = subprocess.run(
        unprivileged([program, "--config", plan.config_file(host), "--set-password",
                      plans.ACCOUNT]),
        input=plan.password + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    if result.returncode != 0:
        name = plan.daemon_name(host)
        raise RuntimeError(f"{name} --set-password: {result.stdout.strip()[-400:]}")
    with open(done, "w", encoding="ascii"):
        pass


def _watch(plan, host, daemons):
    """Reaps every process of the host and restarts daemons; returns on SIGTERM. SIGHUP says that
    there is a configuration of high availability, if there was none."""
    signals = {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP}
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    while True:
        _reap(daemons)
        now = time.monotonic()
        waiting = [daemon for daemon in daemons if daemon.pid == 0]
        for daemon in waiting:
            if daemon.next_start <= now:
                daemon.start()
        pauses = [daemon.next_start - now for daemon in daemons if daemon.pid == 0]
        got = signal.sigtimedwait(signals, max(0.01, min(pauses, default=3600.0)))
        if got is not None and got.si_signo == signal.SIGTERM:
            return
        if got is not None and got.si_signo == signal.SIGHUP:
            _protect(plan, host, daemons)


def _reap(daemons):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for daemon in daemons:
            if daemon.pid == pid:
                daemon.ended(status)
                sys.stdout.flush()
