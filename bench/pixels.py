"""Pixels of PNG files, so far as to compare two that one program wrote."""
import struct
import zlib


def difference(one, other):
    """The greatest difference of any sample; None when they are no PNGs of the same form."""
    first, second = samples(one), samples(other)
    if first is None or second is None or first[0] != second[0]:
        return None
    return max((abs(a - b) for a, b in zip(first[1], second[1])), default=0)


def samples(file):
    """The header and all samples, of 8 or 16 bits, of a PNG that is not interlaced; None for others."""
    chunks = dict(read(file) or ())
    head, data = chunks.get(b"IHDR", b""), chunks.get(b"IDAT", b"")
    if len(head) != 13:
        return None
    width, height, bits, color, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    per_pixel = {0: 1, 2: 3, 4: 2, 6: 4}.get(color)
    if bits not in (8, 16) or interlaced or not per_pixel:
        return None
    try:
        rows = unfiltered(zlib.decompress(data), width * per_pixel * bits // 8, height, per_pixel * bits // 8)
    except (zlib.error, ValueError, IndexError):
        return None
    return head, rows if bits == 8 else struct.unpack(f">{len(rows) // 2}H", rows)


def read(file):
    """Chunks; those of one name are joined."""
    if file[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    at, found = 8, {}
    while at + 8 <= len(file):
        length, = struct.unpack(">I", file[at:at + 4])
        kind = file[at + 4:at + 8]
        found[kind] = found.get(kind, b"") + file[at + 8:at + 8 + length]
        at += 12 + length
    return found


def unfiltered(data, stride, height, pixel):
    """The rows as they were before each was written as differences. `pixel` is the bytes of one."""
    if len(data) != (stride + 1) * height:
        raise ValueError("rows are missing")
    out, above = bytearray(), bytes(stride)
    for y in range(height):
        kind, row = data[y * (stride + 1)], bytearray(data[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left = row[i - pixel] if i >= pixel else 0
            corner = above[i - pixel] if i >= pixel else 0
            row[i] = (row[i] + predicted(kind, left, above[i], corner)) & 255
        out += row
        above = row
    return bytes(out)


def predicted(kind, left, up, corner):
    if kind == 4:
        to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        if to_left <= to_up and to_left <= to_corner:
            return left
        return up if to_up <= to_corner else corner
    return (0, left, up, (left + up) // 2)[kind]
