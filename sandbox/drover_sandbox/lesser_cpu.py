"""Hosts whose CPU lacks features, as older machines among newer ones do.

QEMU itself stands for such a CPU: a script in its place, within the host's own mount namespace,
takes the features from every CPU model, in what QEMU tells of itself as well as for machines. So
libvirt finds a lesser host, and refuses or fails what would need more of it.
"""

import argparse
import os
import re

from . import plan as plans
from . import system

_QEMU = "/usr/bin/qemu-system-x86_64"
# A directory that every Debian system has, beside /usr/bin: QEMU finds its files from where it is.
_HIDEOUT = "/usr/games"
_RENAMED = {"pclmuldq": "pclmulqdq"}  # libvirt's name, QEMU's name
_FEATURE = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")


def option(text):
    """argparse's type of --cpu-less: "3=avx2,fma" is (3, ["avx2", "fma"])."""
    number, equals, names = text.partition("=")
    features = names.split(",")
    if not (number.isdecimal() and equals and all(map(_FEATURE.fullmatch, features))):
        raise argparse.ArgumentTypeError(f"{text} is not like 3=avx2,fma")
    if not 1 <= int(number) <= plans.MAX_HOSTS:
        raise argparse.ArgumentTypeError(f"there is no host {number}")
    return int(number), features


def wrapper(features):
    """The script that stands for QEMU."""
    names = [_RENAMED.get(name, name).replace("_", "-") for name in features]
    pattern = "|".join(re.escape(name) for name in names)
    less = " ".join(f"-global x86_64-cpu.{name}=off" for name in names)
    return f"""#!/bin/sh
# QEMU on a host whose CPU lacks {', '.join(features)}.
left=$#
previous=
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    if [ "$previous" = -cpu ]; then
        argument=$(printf %s "$argument" | sed -E 's/,({pattern})=on//g')
    fi
    previous=$argument
    set -- "$@" "$argument"
done
exec {_HIDEOUT}/qemu-system-x86_64 "$@" {less}
"""


def script_file(plan, host):
    """Where the script lies, on the machine."""
    return os.path.join(plan.host_directory(host), "qemu-with-lesser-cpu")


def prepare(plan, host):
    """Writes the script; safe to repeat."""
    with open(script_file(plan, host), "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o755)
        file.write(wrapper(host.cpu_less))


def install(plan, host):
    """Puts the script in QEMU's place. Within the host's mount namespace."""
    system.mount("tmpfs", _HIDEOUT, "tmpfs", system.MS_NOSUID | system.MS_NODEV,
                 "mode=755,size=64k")
    hidden = os.path.join(_HIDEOUT, os.path.basename(_QEMU))
    with open(hidden, "w", encoding="ascii"):
        pass
    system.mount(_QEMU, hidden, None, system.MS_BIND)
    system.mount(script_file(plan, host), _QEMU, None, system.MS_BIND)
