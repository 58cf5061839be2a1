"""Writes the settings of one host: libvirt's, drover-hostd's, names."""

import json
import os
import pwd
import shutil

from . import lesser_cpu
from . import plan as plans

# Directories that each host has for itself, and where the host sees them.
PRIVATE_DIRECTORIES = {
    "etc-libvirt": "/etc/libvirt",
    "lib-libvirt": "/var/lib/libvirt",
    "log-libvirt": "/var/log/libvirt",
    "cache-libvirt": "/var/cache/libvirt",
}

# Nobody has this address: it is for documentation (RFC 5737).
_NO_NAME_SERVER = "192.0.2.53"


def prepare(plan, host):
    """Makes the host's directories and files, in the machine's own namespaces; safe to repeat."""
    base = plan.host_directory(host)
    os.makedirs(plan.log_directory(host), mode=0o700, exist_ok=True)
    _state_directory(plan, host)
    _write(os.path.join(base, "hosts"), _hosts_file(plan))
    _write(os.path.join(base, "resolv.conf"), f"nameserver {_NO_NAME_SERVER}\n")
    _write(os.path.join(base, "hostname"), host.name + "\n")
    settings = _centerd_settings if host.is_center else _hostd_settings
    _write(plan.config_file(host), json.dumps(settings(plan, host), indent=1) + "\n",
           mode=0o640, group=plans.USER)
    if not host.is_center:
        _libvirt_files(plan, host)
        _ha_file(plan, host)
    if host.cpu_less:
        lesser_cpu.prepare(plan, host)


def _libvirt_files(plan, host):
    base = plan.host_directory(host)
    for name in PRIVATE_DIRECTORIES:
        os.makedirs(os.path.join(base, name), exist_ok=True)
    identity = _identity_directory(plan, host)
    os.makedirs(identity, mode=0o750, exist_ok=True)
    shutil.chown(identity, plans.USER, plans.USER)
    etc = os.path.join(base, "etc-libvirt")
    os.makedirs(os.path.join(etc, "qemu"), mode=0o700, exist_ok=True)
    _write(os.path.join(etc, "libvirtd.conf"), _libvirtd_settings(plan, host))
    _write(os.path.join(etc, "qemu.conf"), _qemu_settings(plan, host))


def _ha_file(plan, host):
    """drover-had's settings: what is protected comes from hostd. The host is reset like everything
    here, by the end of its first process. A file that is there stays: somebody has changed it."""
    if not plan.hostd or os.path.exists(plan.ha_config_file(host)):
        return
    settings = {"reset": ["kill", "-TERM", "1"],
                "generated": os.path.join(plan.state_of(host), "availability.json")}
    _write(plan.ha_config_file(host), json.dumps(settings, indent=1) + "\n", mode=0o640,
           group=plans.USER)


def _identity_directory(plan, host):
    """The host's certificates for migrations, where hostd looks for it by itself: hostd writes
    them, QEMU's group reads them."""
    return plan.state_of(host) + "-migration"


def prepare_datastore(plan):
    """Makes the shared directory: whatever is made in it belongs to the group drover."""
    os.makedirs(plan.datastore_directory, exist_ok=True)
    shutil.chown(plan.datastore_directory, plans.USER, plans.USER)
    os.chmod(plan.datastore_directory, 0o2770)


def _state_directory(plan, host):
    directory = plan.state_of(host)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    user = pwd.getpwnam(plans.USER)
    os.chown(directory, user.pw_uid, user.pw_gid)


def _libvirtd_settings(plan, host):
    return f"""listen_tls = 0
listen_tcp = 1
listen_addr = "{plan.migration_address(host)}"
auth_tcp = "none"
unix_sock_group = "{plans.USER}"
unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "{host.uuid}"
"""


def _qemu_settings(plan, host):
    return f"""user = "{plans.QEMU_USER}"
group = "{plans.USER}"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
seccomp_sandbox = 1
stdio_handler = "file"
cgroup_controllers = [ "cpu", "cpuacct" ]
vnc_listen = "127.0.0.1"
migration_address = "{plan.migration_address(host)}"
migration_host = "{plan.migration_address(host)}"
migrate_tls_x509_cert_dir = "{_identity_directory(plan, host)}"
migrate_tls_x509_verify = 1
"""


def _hosts_file(plan):
    lines = ["127.0.0.1 localhost"]
    if plan.names:
        lines += [f"{plan.address(host)} {host.name}" for host in plan.nodes]
    return "\n".join(lines) + "\n"


def _hostd_settings(plan, host):
    settings = {
        "state_directory": plan.state_of(host),
        "libvirt_uri": "qemu:///system",
        "rootd_socket": "/run/drover/rootd.sock",
        "host_name": host.name,
        "host_uuid": host.uuid,
        "management_address": plan.address(host),
        "cpu_cores": plan.cpu_cores,
        "memory_bytes": plan.memory_bytes,
        "cgroup_partition": plan.host_partition(host),
        "datastores": [{"name": plans.DATASTORE, "path": plan.datastore_directory}],
        "networks": [{"name": plans.NETWORK, "bridge": plans.VM_BRIDGE}],
        "migration_address": plan.migration_address(host),
    }
    if _is_protected_without_center(plan, host):
        settings["ha_socket"] = "/run/drover/ha/agent.sock"
    return settings


def _is_protected_without_center(plan, host):
    """Whether somebody has written into drover-had's file what is protected: hostd, which would
    know otherwise, has to be told that the leases are drover-had's."""
    try:
        with open(plan.ha_config_file(host), encoding="utf-8") as file:
            return "catalogue" in json.load(file)
    except FileNotFoundError:
        return False


def _centerd_settings(plan, center):
    return {
        "state_directory": plan.state_of(center),
        "name": center.name,
        "management_address": plan.address(center),
    }


def _write(path, text, mode=0o644, group=None):
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        if group:
            shutil.chown(path, None, group)
        file.write(text)
