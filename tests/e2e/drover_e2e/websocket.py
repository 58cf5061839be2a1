"""A WebSocket client that is small enough to see everything: consoles are tested with it."""

import base64
import os
import socket
import ssl
import struct

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The server does not upgrade; `status` is what it answers."""

    def __init__(self, status_line):
        super().__init__(status_line)
        self.status = int(status_line.split()[1])


class WebSocket:
    """One connection. `closed` is the code of the peer's goodbye once it has come."""

    def __init__(self, address, path, port=443, subprotocol="binary", timeout_s=30):
        raw = socket.create_connection((address, port), timeout=timeout_s)
        self._link = ssl._create_unverified_context().wrap_socket(raw)
        self._received = b""   # from the wire
        self._message = b""    # of messages, not yet read
        self.closed = None
        key = base64.b64encode(os.urandom(16)).decode()
        self._link.sendall((f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\n"
                            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        if " 101 " not in lines[0]:
            self._link.close()
            raise Refused(lines[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._link.close()

    def _more(self):
        piece = self._link.recv(65536)
        if not piece:
            raise ConnectionResetError("the server hung up")
        self._received += piece

    def _take(self, size):
        while len(self._received) < size:
            self._more()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _frame(self):
        """The next frame: (opcode, payload)."""
        first, length = self._take(2)
        if length == 126:
            length, = struct.unpack(">H", self._take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._take(8))
        return first & 15, self._take(length)

    def _send(self, opcode, data):
        mask = os.urandom(4)
        size = len(data)
        head = bytes([128 | opcode])
        head += bytes([128 | size]) if size < 126 else struct.pack(">BH", 254, size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self._link.sendall(head + mask + masked)

    def send(self, data):
        """Sends one binary message of up to 65,535 bytes."""
        self._send(_BINARY, data)

    def read(self, size=1):
        """At least `size` bytes of what binary messages bring; all of them that are there. Fewer
        only after the peer's goodbye."""
        while len(self._message) < size and self.closed is None:
            opcode, data = self._frame()
            if opcode in (0, _TEXT, _BINARY):
                self._message += data
            elif opcode == _PING:
                self._send(_PONG, data)
            elif opcode == _CLOSE:
                self.closed = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else 1005
                self._send(_CLOSE, data[:2])
        taken, self._message = self._message, b""
        return taken

    def read_exactly(self, size):
        """So many bytes; raises ConnectionResetError if the peer says goodbye before."""
        data = self.read(size)
        if len(data) < size:
            raise ConnectionResetError(f"closed with {self.closed}")
        self._message = data[size:] + self._message
        return data[:size]


def rfb_handshake(console):
    """Opens an RFB session without a password; returns the screen's (width, height)."""
    version = console.read_exactly(12)
    assert version.startswith(b"RFB 003."), version
    console.send(b"RFB 003.008\n")
    count, = console.read_exactly(1)
    kinds = console.read_exactly(count)
    assert 1 in kinds, kinds
    console.send(b"\x01")
    assert console.read_exactly(4) == b"\0\0\0\0"
    console.send(b"\x01")  # others may look, too
    head = console.read_exactly(24)
    width, height, length = struct.unpack(">HH16xI", head)
    console.read_exactly(length)
    return width, height
