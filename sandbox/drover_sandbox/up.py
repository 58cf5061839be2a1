"""`up` and `start`: brings hosts to life, all at once, and waits until each answers."""

import hashlib
import os
import pwd
import secrets
import select
import socket
import ssl
import time
import uuid

from demo_guest import build as guest

from . import (api, cgroup, dhcp, host_files, ledger, network, programs, supervisor, system,
               teardown, template, watcher)
from . import plan as plans
from .errors import SandboxError

_START_S = 120.0  # a busy machine takes its time; an idle one needs about ten seconds


def up(name, hosts, cpu_cores, memory_bytes, with_hostd, with_center, foreground,
       template_registered, demo, say, cpu_less=None, kept=False, names=True):
    """Brings a sandbox up; returns its Plan. Does nothing when it is up already.

    `cpu_less`: which features the CPUs of single hosts lack, by their numbers. `kept`: it stays
    when all of its hosts have died. Without `names` no host knows the others', and their name
    server answers nobody. Whatever fails, nothing of the sandbox stays behind.
    """
    programs.check()
    if with_hostd:
        for daemon in programs.daemons(with_center):
            programs.find(daemon)
    with ledger.locked(name):
        plan = ledger.read(name)
        if plan and plan.ready and not (plan.owner and not system.alive(*plan.owner)):
            if any(host.off or system.alive(host.pid, host.start_ticks) for host in plan.nodes):
                say(f"sandbox '{name}' is up already")
                _mend(plan)
                return plan
        if ledger.exists(name) or cgroup.exists(f"/drover-{name}"):
            say(f"removing what is left of an earlier sandbox '{name}'")
            _remove(name)
        _ensure_user(say)
        images = _guest_images(say)
        try:
            plan = _lay_ground(name, hosts, cpu_cores, memory_bytes, with_hostd, with_center,
                               images, say, cpu_less or {}, names)
            what = f"{hosts} hosts and a center" if with_center else f"{hosts} hosts"
            say(f"starting {what} on {plan.gateway}/24")
            _start_hosts(plan, plan.nodes)
            if with_hostd:
                for host in plan.hosts if template_registered else ():
                    api.register_template(plan, host)
                if demo:
                    say(f"starting the demo machine '{api.MACHINE}' on {plan.hosts[0].name}")
                    api.start_demo_machine(plan, plan.hosts[0])
                if with_center:
                    say(f"joining the hosts to the cluster '{plans.CLUSTER}'")
                    thumbprints = {host.number: certificate_thumbprint(plan, host)
                                   for host in plan.hosts}
                    api.make_cluster(plan, thumbprints)
            plan.ready = True
            plan.kept = kept
            if not foreground:
                plan.owner = []
            ledger.write(plan)
        except BaseException:
            _remove(name)
            raise
        return plan


def start(name, host_name):
    """Switches one host on again."""
    with ledger.locked(name):
        plan = _ready_plan(name)
        host = plan.host(host_name)
        if system.alive(host.pid, host.start_ticks):
            raise SandboxError(f"{host.name} is on")
        _start_hosts(plan, [host])
        host.off = False
        ledger.write(plan)


def kill(name, host_name):
    """Switches one host off the hard way: every process in it dies at once."""
    with ledger.locked(name):
        plan = _ready_plan(name)
        host = plan.host(host_name)
        host.off = True
        ledger.write(plan)
        if not system.kill_and_wait(host.pid, host.start_ticks):
            raise SandboxError(f"{host.name} does not die: process {host.pid}")
        host.pid = host.start_ticks = 0
        ledger.write(plan)


def down(name):
    """Removes a sandbox, whatever state it is in; returns whether there was one."""
    with ledger.locked(name):
        there = ledger.exists(name) or cgroup.exists(f"/drover-{name}") or bool(
            network.interfaces(plans.interface_alias(name)))
        _remove(name)
    return there


def certificate_thumbprint(plan, host):
    """Returns the SHA-1 of hostd's certificate as AA:BB:..., or None while there is none."""
    try:
        with open(plan.certificate_file(host), encoding="ascii") as file:
            text = file.read(1 << 20)
        begin = text.index("-----BEGIN CERTIFICATE-----")
        end = text.index("-----END CERTIFICATE-----", begin) + len("-----END CERTIFICATE-----")
        digest = hashlib.sha1(ssl.PEM_cert_to_DER_cert(text[begin:end])).hexdigest().upper()
    except (OSError, ValueError):
        return None
    return ":".join(digest[at:at + 2] for at in range(0, len(digest), 2))


def _lay_ground(name, hosts, cpu_cores, memory_bytes, with_hostd, with_center, images, say,
                cpu_less, names):
    """Makes everything that the hosts stand on."""
    with ledger.locked(""):
        net_a, net_b = network.choose(name)
        plan = plans.Plan(name=name, net_a=net_a, net_b=net_b, cpu_cores=cpu_cores,
                          memory_bytes=memory_bytes, password=secrets.token_urlsafe(12),
                          hostd=with_hostd, names=names,
                          owner=system.identity(os.getpid()))
        plan.hosts = [plans.Host(number, str(uuid.uuid4()), cpu_less=cpu_less.get(number, []))
                      for number in range(1, hosts + 1)]
        if with_center:
            plan.center = plans.Host(plans.CENTER_NUMBER, str(uuid.uuid4()))
            plan.center_port = _free_port()
        os.makedirs(plan.directory, mode=0o711)
        os.chmod(plan.directory, 0o711)  # whatever the umask: hostd passes through
        ledger.write(plan)
        plan.watcher = watcher.spawn(plan)
        ledger.write(plan)
        network.create_bridges(plan)
    cgroup.create(plan)
    plan.dnsmasq = system.identity(dhcp.start(plan))
    ledger.write(plan)
    say("putting the demo guest on the datastore")
    host_files.prepare_datastore(plan)
    template.install(plan, images)
    dhcp.check(plan, plan.dnsmasq[0])
    return plan


def _free_port():
    """Returns a port of 127.0.0.1 for the center. Hold the network lock: two sandboxes may ask."""
    taken = {plan.center_port for plan in map(ledger.read, ledger.names()) if plan}
    for port in plans.CENTER_PORTS:
        if port in taken:
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            continue
    raise SandboxError(f"no free port between {plans.CENTER_PORTS.start} and "
                       f"{plans.CENTER_PORTS.stop - 1} on 127.0.0.1 for the center")


def _start_hosts(plan, hosts):
    """Starts hosts side by side; returns when all answer, raises SandboxError otherwise."""
    deadline = time.monotonic() + _START_S
    if plan.hostd:
        programs.install(plan)
    answers = {}
    for host in hosts:
        host_files.prepare(plan, host)
        pid, go, answer = supervisor.spawn(plan, host)
        host.pid, host.start_ticks = system.identity(pid)
        ledger.write(plan)
        try:
            network.connect_host(plan, host, pid)
            os.write(go, b"go")
        finally:
            os.close(go)
        answers[answer] = host
    try:
        _collect(plan, answers, deadline)
    finally:
        for answer in answers:
            os.close(answer)
    if plan.hostd:
        for host in hosts:
            _wait_for_daemon(plan, host, deadline)


def _collect(plan, answers, deadline):
    waiting = dict(answers)
    while waiting:
        left_s = deadline - time.monotonic()
        readable = select.select(list(waiting), [], [], max(0.0, left_s))[0]
        if not readable:
            slow = ", ".join(host.name for host in waiting.values())
            raise SandboxError(f"{slow} did not start within {_START_S:.0f} s")
        for answer in readable:
            host = waiting.pop(answer)
            text = os.read(answer, 1024).decode(errors="replace")
            if text != "ok":
                raise SandboxError(f"{host.name} did not start: {text or 'it died'}"
                                   + _last_words(plan, host))


def _wait_for_daemon(plan, host, deadline):
    """Returns when the node's daemon answers HTTPS requests with its own certificate."""
    error = "no answer"
    while time.monotonic() < deadline:
        try:
            _ask(plan, host)
            return
        except (OSError, ValueError) as problem:
            error = str(problem) or type(problem).__name__
            time.sleep(0.1)
    daemon = plan.daemon_name(host)
    raise SandboxError(f"{daemon} of {host.name} does not answer on {plan.address(host)}:443 "
                       f"({error})" + _last_words(plan, host))


def _ask(plan, host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(plan.certificate_file(host))  # it is its own authority
    with socket.create_connection((plan.address(host), 443), timeout=3.0) as connection:
        with context.wrap_socket(connection) as tls:
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {plan.address(host)}\r\n"
                        "Connection: close\r\n\r\n".encode())
            if not tls.recv(16).startswith(b"HTTP/"):
                raise ValueError("no HTTP answer")


def _last_words(plan, host):
    """Returns the ends of the host's logs, for a message about a host that failed."""
    words = []
    for name in ("drover-centerd", "drover-hostd", "drover-rootd", "libvirtd", "supervisor"):
        file = f"{name}.log"
        try:
            with open(os.path.join(plan.log_directory(host), file), encoding="utf-8",
                      errors="replace") as log:
                lines = log.read()[-4000:].splitlines()[-5:]
        except OSError:
            continue
        words += [f"\n  {file}: {line}" for line in lines]
    return "".join(words)


def _mend(plan):
    """A sandbox that is up may have lost its watcher."""
    if not (plan.watcher and system.alive(*plan.watcher)):
        plan.watcher = watcher.spawn(plan)
        ledger.write(plan)


def _ready_plan(name):
    plan = ledger.read(name)
    if not plan or not plan.ready:
        raise SandboxError(f"sandbox '{name}' is not up")
    return plan


def _remove(name):
    left = teardown.remove(name)
    if left:
        raise SandboxError("could not remove " + ", ".join(left))


def _guest_images(say):
    try:
        return guest.ensure(say=say)
    except (guest.BuildError, OSError) as error:
        raise SandboxError(str(error)) from None


def _ensure_user(say):
    try:
        pwd.getpwnam(plans.USER)
    except KeyError:
        say(f"adding the system user '{plans.USER}'")
        system.run("adduser", "--system", "--group", "--quiet", "--no-create-home", "--home",
                   "/nonexistent", plans.USER)
    try:
        pwd.getpwnam(plans.QEMU_USER)
    except KeyError:
        raise SandboxError(f"there is no user '{plans.QEMU_USER}'; it comes with "
                           "libvirt-daemon-system") from None
