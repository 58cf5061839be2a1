"""The command line: `drover sandbox ...`."""

import argparse
import json
import os
import signal
import sys
import time

from . import ledger, lesser_cpu, simulate, system
from . import plan as plans
from . import up as life
from .errors import SandboxError

_MEBIBYTE = 1 << 20


def main(arguments):
    """Runs one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if getattr(options, "needs_root", True) and os.geteuid() != 0:
        print("drover sandbox: only root can make network namespaces and control groups",
              file=sys.stderr)
        return 1
    os.umask(0o022)
    try:
        plans.check_name(options.name)
        return options.run(options)
    except SandboxError as error:
        print(f"drover sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser():
    parser = argparse.ArgumentParser(prog="drover sandbox", description=(
        "Several drover hosts on this machine, for trying things out and for tests."))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--name", default="default", help="the sandbox (default: default)")
        sub.set_defaults(run=run)
        return sub

    up = command("up", _up, "bring a sandbox up")
    up.add_argument("--hosts", type=_number(1, plans.MAX_HOSTS), default=3, metavar="N")
    up.add_argument("--cpus", type=_cores, metavar="C",
                    help="capacity of each host in cores, such as 0.5 (default: a fair share)")
    up.add_argument("--memory", type=_number(256, 1 << 24), metavar="MB",
                    help="memory of each host (default: a fair share)")
    up.add_argument("--cpu-less", type=lesser_cpu.option, action="append", default=[],
                    metavar="N=FEATURE,...",
                    help="hostN's CPU lacks these features, such as 3=avx2,fma (repeatable)")
    up.add_argument("--keep", action="store_true",
                    help="stay when all hosts have died, so that they can be started again")
    up.add_argument("--no-names", action="store_true",
                    help="hosts know no names, and their name server answers nobody")
    up.add_argument("--foreground", action="store_true",
                    help="stay, and remove the sandbox on Ctrl-C")
    up.add_argument("--demo", action="store_true", help="also start a demo machine on host1")
    up.add_argument("--no-template", action="store_true",
                    help="leave the demo guest unregistered: empty inventories")
    up.add_argument("--center", action=argparse.BooleanOptionalAction, default=None,
                    help="join the hosts to a cluster under a center (default: if there are two)")
    up.add_argument("--no-hostd", action="store_true", help="libvirt alone, no vSphere API")
    command("down", _down, "remove a sandbox and everything in it")
    status = command("status", _status, "where the hosts are and how to log in")
    status.add_argument("-o", "--output", choices=("table", "json"), default="table")
    execute = command("exec", _exec, "run a command inside a host")
    execute.add_argument("host")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    kill = command("kill", _kill, "switch a host off hard: everything in it dies at once")
    kill.add_argument("host")
    start = command("start", _start, "switch a host on again")
    start.add_argument("host")
    simulate.add_command(commands)
    return parser


def _up(options):
    began = time.monotonic()
    cores = options.cpus or _fair_cores(options.hosts)
    memory_bytes = (options.memory or _fair_memory_mb(options.hosts)) * _MEBIBYTE
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with_center = not options.no_hostd and (options.hosts > 1 if options.center is None
                                            else options.center)
    plan = life.up(options.name, options.hosts, cores, memory_bytes, not options.no_hostd,
                   with_center, options.foreground, not options.no_template, options.demo,
                   lambda text: print(text, file=sys.stderr), dict(options.cpu_less), options.keep,
                   not options.no_names)
    print(f"sandbox '{plan.name}' is up after {time.monotonic() - began:.0f} s\n")
    _print_table(plan)
    _print_hints(plan)
    sys.stdout.flush()
    return _stay(options.name) if options.foreground and plan.owner else 0


def _stay(name):
    print("\nCtrl-C removes it.", flush=True)
    try:
        while ledger.exists(name):
            time.sleep(0.5)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        life.down(name)
    return 0


def _down(options):
    if life.down(options.name):
        print(f"sandbox '{options.name}' is gone")
    else:
        print(f"there is no sandbox '{options.name}'")
    return 0


def _status(options):
    plan = _plan(options.name)
    if options.output == "json":
        print(json.dumps(_status_value(plan), indent=1))
    else:
        _print_table(plan)
    return 0


def _exec(options):
    plan = _plan(options.name)
    host = plan.host(options.host)
    if not system.alive(host.pid, host.start_ticks):
        raise SandboxError(f"{host.name} is off")
    if options.command[:1] == ["--"]:
        del options.command[0]
    command = options.command or [os.environ.get("SHELL", "/bin/sh")]
    os.execvp("nsenter", ["nsenter", "--target", str(host.pid), "--mount", "--uts", "--ipc",
                          "--net", "--pid", "--", *command])


def _kill(options):
    life.kill(options.name, options.host)
    return 0


def _start(options):
    life.start(options.name, options.host)
    return 0


def _plan(name):
    plan = ledger.read(name)
    if not plan or not plan.ready:
        others = [other for other in ledger.names() if other != name]
        hint = f" (there is {', '.join(others)})" if others else ""
        raise SandboxError(f"sandbox '{name}' is not up{hint}")
    return plan


def _status_value(plan):
    return {
        "hosts": [_node_value(plan, host) for host in plan.hosts],
        "center": _node_value(plan, plan.center) if plan.center else None,
        "datastore": plans.DATASTORE,
        "guest_template": plans.GUEST_TEMPLATE,
    }


def _node_value(plan, host):
    return {
        "name": host.name,
        "address": plan.address(host),
        "url": f"https://{plan.address(host)}/sdk",
        "username": plans.ACCOUNT,
        "password": plan.password,
        "thumbprint": life.certificate_thumbprint(plan, host),
    }


def _print_table(plan):
    print(f"{'HOST':8}{'POWER':7}{'ADDRESS':16}{'URL':30}THUMBPRINT")
    for host in plan.nodes:
        power = "on" if system.alive(host.pid, host.start_ticks) else "off"
        url = f"https://{plan.address(host)}/sdk"
        thumbprint = life.certificate_thumbprint(plan, host) or "-"
        print(f"{host.name:8}{power:7}{plan.address(host):16}{url:30}{thumbprint}")


def _print_hints(plan):
    first = plan.hosts[0]
    name = "" if plan.name == "default" else f" --name {plan.name}"
    print(f"\nlog in as   {plans.ACCOUNT}, password {plan.password}")
    if plan.center:
        print(f"center      https://127.0.0.1:{plan.center_port}/ (the API: /sdk), "
              f"also https://{plan.address(plan.center)}/")
    elif plan.hostd:
        print(f"browse      https://{plan.address(first)}/")
    print(f"datastore   [{plans.DATASTORE}]  {plan.datastore_directory}")
    print(f"demo guest  [{plans.DATASTORE}] {plans.GUEST_TEMPLATE}/{plans.GUEST_TEMPLATE}.vmx"
          f" and [{plans.DATASTORE}] iso/demo.iso")
    print(f"look inside drover sandbox exec{name} {first.name} virsh list --all")
    print(f"remove      drover sandbox down{name}")


def _fair_cores(hosts):
    return round(max(0.1, min(1.0, len(os.sched_getaffinity(0)) / hosts)), 2)


def _fair_memory_mb(hosts):
    total_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    return max(512, int(total_mb * 0.8) // hosts // 64 * 64)


def _number(least, most):
    def parse(text):
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not within {least}..{most}")
        return value
    parse.__name__ = "whole number"
    return parse


def _cores(text):
    value = float(text)
    if not 0.05 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is not within 0.05..1024")
    return value


def _interrupt(number, frame):
    del number, frame
    raise KeyboardInterrupt
