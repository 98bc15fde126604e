"""Small sound files of many formats, to be damaged: those of a folder, or made here: by Recto what it writes, by hand some of the rest."""
import collections
import math
import os
import struct
import tempfile
import zlib

from serving import Client, start, stop

ENDINGS = {"jp2": (".jp2", ".j2k", ".jpx"), "tiff": (".tif", ".tiff"), "jpeg": (".jpg", ".jpeg"), "png": (".png",), "webp": (".webp",),
           "gif": (".gif",), "avif": (".avif",), "heic": (".heic",), "jxl": (".jxl",), "bmp": (".bmp",), "pdf": (".pdf",), "svg": (".svg",),
           "exr": (".exr",), "dicom": (".dcm", ".dicom"), "psd": (".psd", ".psb"), "fits": (".fits", ".fit"), "xpm": (".xpm",)}
WRITTEN = ("jpg", "png", "webp", "gif", "tif", "jp2", "avif", "jxl", "pdf")
WIDTH, HEIGHT = 160, 120


def find(folder, forms, most_bytes):
    """Files by their format."""
    seeds = collections.defaultdict(list)
    for place, _, names in sorted(os.walk(folder)):
        for path in sorted(os.path.join(place, name) for name in names):
            for form in forms:
                if path.lower().endswith(ENDINGS[form]) and os.path.getsize(path) <= most_bytes:
                    seeds[form].append(path)
    return seeds


def make(recto, folder):
    """Fills a folder with them; False when the server does not start."""
    for ending, draw in (("bmp", bmp), ("fits", fits), ("psd", psd), ("svg", svg), ("xpm", xpm)):
        with open(os.path.join(folder, f"made.{ending}"), "wb") as file:
            file.write(draw())
    with tempfile.TemporaryDirectory(prefix="recto-seeds-") as work:
        library = os.path.join(work, "library")
        os.mkdir(library)
        with open(os.path.join(library, "made.png"), "wb") as file:
            file.write(png())
        server, address = start(recto, library, os.path.join(work, "state"), [])
        if not server:
            return False
        client = Client(address)
        for ending in WRITTEN:
            for quality in ("default", "gray", "bitonal"):
                for number, size in enumerate(("max", f"^{2 * WIDTH},")):
                    # What a format cannot hold is no file.
                    status, body, _ = client.get(f"/iiif/3/made.png/full/{size}/0/{quality}.{ending}")
                    if status == 200:
                        with open(os.path.join(folder, f"{quality}-{number}.{ending}"), "wb") as file:
                            file.write(body)
        stop(server)
    return True


def pixel(x, y):
    """Waves and edges."""
    wave = 127 + 100 * math.sin(x / 7 + y / 11)
    return int(wave), (x * 255) // WIDTH, 255 if (x // 20 + y // 20) % 2 else 30


def rows():
    return ([pixel(x, y) for x in range(WIDTH)] for y in range(HEIGHT))


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + bytes(sample for one in row for sample in one) for row in rows())
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def bmp():
    # 24 bits, bottom row first; a row of 160 pixels needs no padding.
    lines = [bytes(sample for one in row for sample in reversed(one)) for row in rows()]
    data = b"".join(reversed(lines))
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, len(data), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


def fits():
    cards = [("SIMPLE", "T"), ("BITPIX", "8"), ("NAXIS", "2"), ("NAXIS1", str(WIDTH)), ("NAXIS2", str(HEIGHT))]
    head = "".join(f"{keyword:<8}= {value:>20}".ljust(80) for keyword, value in cards) + "END".ljust(80)
    data = bytes(one[0] for row in rows() for one in row)
    return head.ljust(-(-len(head) // 2880) * 2880).encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def psd():
    # No palette, no resources, no layers; channels one after the other, not packed.
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, HEIGHT, WIDTH, 8, 3) + bytes(12) + struct.pack(">H", 0)
    return head + b"".join(bytes(one[channel] for row in rows() for one in row) for channel in range(3))


def svg():
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"><rect width="100" height="80" fill="#c03"/>'
            '<g transform="rotate(20)"><circle cx="90" cy="50" r="40" fill="none" stroke="black"/></g>'
            '<path d="M10 110 C 40 10 120 10 150 110 Z" fill-opacity="0.5"/></svg>').encode()


def xpm():
    letters = "abcdefgh"
    colors = "".join(f'"{letter} c #{number * 32:02x}{255 - number * 32:02x}80",\n' for number, letter in enumerate(letters))
    lines = ",\n".join('"' + "".join(letters[one[0] // 32] for one in row) + '"' for row in rows())
    return f'/* XPM */\nstatic char *made[] = {{\n"{WIDTH} {HEIGHT} {len(letters)} 1",\n{colors}{lines}\n}};\n'.encode()
