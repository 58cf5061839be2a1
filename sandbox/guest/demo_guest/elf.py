"""Reads what we need of an ELF64 file: its sections and the shared libraries it asks for."""

import struct

_DT_NEEDED = 1
_MAX_SECTIONS = 4096


class NotElf(ValueError):
    """The bytes are no little-endian ELF64 file, or they are cut short."""


def sections(data):
    """Returns {name: contents} of an ELF64 file held in `data`; raises NotElf."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise NotElf("no little-endian ELF64 file")
    table_offset = struct.unpack_from("<Q", data, 0x28)[0]
    entry_size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    if entry_size != 64 or count > _MAX_SECTIONS or names_index >= count:
        raise NotElf("odd section table")
    if table_offset + entry_size * count > len(data):
        raise NotElf("section table beyond the end of the file")
    headers = [struct.unpack_from("<IIQQQQ", data, table_offset + entry_size * index)
               for index in range(count)]

    def contents(header):
        _, kind, _, _, offset, size = header
        return b"" if kind == 8 else data[offset:offset + size]  # 8: occupies no file space

    names = contents(headers[names_index])
    return {_text(names, header[0]): contents(header) for header in headers}


def needed_libraries(data):
    """Returns the DT_NEEDED names of a program or library, in its own order."""
    found = sections(data)
    dynamic, strings = found.get(".dynamic", b""), found.get(".dynstr", b"")
    return [_text(strings, value)
            for tag, value in struct.iter_unpack("<QQ", dynamic[:len(dynamic) // 16 * 16])
            if tag == _DT_NEEDED]


def module_info(data):
    """Returns {key: [values]} of a kernel module's .modinfo section."""
    info = {}
    for entry in sections(data).get(".modinfo", b"").split(b"\0"):
        key, separator, value = entry.decode("latin-1").partition("=")
        if separator:
            info.setdefault(key, []).append(value)
    return info


def _text(table, offset):
    end = table.find(b"\0", offset)
    return table[offset:end if end >= 0 else len(table)].decode("latin-1")
