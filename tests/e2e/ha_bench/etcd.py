"""The etcd of a world's hosts: each member has its data behind a front of its own, so that its
disk can be frozen."""

import base64
import json
import os
import shutil

from .front import Front

CLIENT_PORT, PEER_PORT = 8182, 8183
TOKEN = "bench"


class Etcd:
    """`hosts`: {name: UUID}, all of which have been on once: their certificates are there."""

    def __init__(self, sandbox, hosts):
        self._sandbox = sandbox
        self._addresses = {name: sandbox.host(name)["address"] for name in hosts}
        self._certificates = {}
        self.disks = {}  # host: the front of its member's data
        self._seen = None  # host's UUID: revision of its last beat
        for name in hosts:
            base = sandbox.host_directory(name)
            with open(os.path.join(base, "hostd", "tls", "certificate.pem"),
                      encoding="ascii") as file:
                self._certificates[name] = file.read()
            source, mount = (os.path.join(base, each) for each in ("disk-data", "disk"))
            os.makedirs(source, exist_ok=True)
            shutil.chown(source, "drover", "drover")
            self.disks[name] = Front(sandbox.host_directory(name), name, "disk", source,
                                     mount, cached=True)
        self._members = [{"host": uuid, "address": self._addresses[name]}
                         for name, uuid in hosts.items()]

    def settings(self, host):
        """A host's part of its drover-had's configuration."""
        base = self._sandbox.host_directory(host)
        return {"token": TOKEN, "client_port": CLIENT_PORT, "peer_port": PEER_PORT,
                "members": self._members, "authorities": list(self._certificates.values()),
                "identity": os.path.join(base, "hostd", "tls"),
                "directory": os.path.join(base, "disk", "etcd")}

    def _ask(self, host, *words):
        """What etcd's own client has to say at a host, as JSON; None: nothing."""
        base = self._sandbox.host_directory(host)
        endpoints = ",".join(f"https://{address}:{CLIENT_PORT}"
                             for address in self._addresses.values())
        text = self._sandbox.inside(
            host, "env", "ETCDCTL_API=3", "etcdctl", "--endpoints", endpoints,
            "--dial-timeout=2s", "--command-timeout=3s",
            "--cacert", os.path.join(base, "disk", "etcd", "authorities.pem"),
            "--cert", os.path.join(base, "hostd", "tls", "certificate.pem"),
            "--key", os.path.join(base, "hostd", "tls", "key.pem"), *words, "-w", "json",
            check=False)
        try:
            return json.loads(text.splitlines()[-1])
        except (ValueError, IndexError):
            return None

    def leader(self):
        """The host whose member leads, if all members agree; None."""
        host = next(iter(self._addresses))
        found = self._ask(host, "endpoint", "status") or []
        states = [each["Status"] for each in found]
        if len(states) < len(self._members) or len({each["leader"] for each in states}) != 1:
            return None
        for each, state in zip(found, states):
            if state["header"]["member_id"] == state["leader"]:
                address = each["Endpoint"].split("//")[1].rsplit(":", 1)[0]
                return next(name for name, own in self._addresses.items() if own == address)
        return None

    def look_anew(self):
        self._seen = None

    def silent(self, hosts):
        """What is missing: hosts that have not beaten here since the last call, or a leader whom
        all members know. The first call after look_anew() knows of no beats. `hosts`: {name:
        UUID}."""
        found = self._ask(next(iter(hosts)), "get", "--prefix", "drover/ha/beat/", "--keys-only")
        if found is None:
            return ["etcd: no answer"]
        before, self._seen = self._seen, {
            base64.b64decode(each["key"]).decode().rsplit("/", 1)[1]: each["mod_revision"]
            for each in found.get("kvs", [])}
        left = [f"{name}: does not beat in etcd" for name, uuid in hosts.items()
                if before is None or self._seen.get(uuid, 0) <= before.get(uuid, 0)]
        return left or ([] if self.leader() else ["etcd: no leader that all members know"])

    def processes(self, host):
        return self._sandbox.process_ids("etcd", host)

    def close(self):
        for disk in self.disks.values():
            disk.stop()
