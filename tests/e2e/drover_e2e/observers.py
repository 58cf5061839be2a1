"""What a client of a guest sees while the guest moves: echoes, an open TCP connection, and the
announcement on the wire. Each runs in a thread of its own between `with` and its end."""

import os
import select
import socket
import struct
import threading
import time

_ETH_P_RARP = 0x8035


class Observer:
    """A thread that notes when it has heard something; knows the longest silence, in seconds."""

    def __init__(self):
        self.heard = 0
        self.longest_gap_s = 0.0
        self.error = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        self._last = time.monotonic()
        try:
            self.observe()
        except OSError as error:
            self.error = error
        self._note_gap()

    def _note_gap(self):
        now = time.monotonic()
        self.longest_gap_s = max(self.longest_gap_s, now - self._last)
        self._last = now

    def hear(self):
        self.heard += 1
        self._note_gap()


class Ping(Observer):
    """Sends an ICMP echo request each 50 ms; needs root."""

    def __init__(self, address):
        super().__init__()
        self._address = address

    def observe(self):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as wire:
            wire.connect((self._address, 0))
            number = 0
            while not self._stop.is_set():
                number = (number + 1) % 65536
                wire.send(_echo_request(number))
                until = time.monotonic() + 0.05
                while (left := until - time.monotonic()) > 0:
                    if select.select([wire], [], [], left)[0] and wire.recv(256)[20] == 0:
                        self.hear()


class Stream(Observer):
    """Reads one answer of the demo guest that never ends, on one TCP connection."""

    def __init__(self, address):
        super().__init__()
        self._address = address

    def observe(self):
        with socket.create_connection((self._address, 80), timeout=30) as wire:
            wire.sendall(b"GET /cgi-bin/stream HTTP/1.0\r\n\r\n")
            while not self._stop.is_set():
                if not wire.recv(4096):
                    raise ConnectionError("the guest ended the connection")
                self.hear()


class Announcements(Observer):
    """Counts the RARP frames that come from `mac`."""

    def __init__(self, mac):
        super().__init__()
        self._mac = bytes.fromhex(mac.replace(":", ""))

    def observe(self):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_RARP)) as wire:
            while not self._stop.is_set():
                if select.select([wire], [], [], 0.1)[0] and wire.recv(64)[6:12] == self._mac:
                    self.hear()


def _echo_request(number):
    header = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, number)
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total >> 16) + (total & 0xffff)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xffff, os.getpid() & 0xffff, number)
