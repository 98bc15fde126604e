"""The works, by the names of the table of speeds: for each, what is asked for, how, and beside whom."""
import dataclasses
import json
import os
import random
import typing

from beside import library
from beside.paths import regions, session, thumbnail, tiles


@dataclasses.dataclass(frozen=True)
class Work:
    """`paths` gives a server's paths, each with the size that its picture must have, None for what is none. `way` says whether these
    are gone through once, by a server that was just started, or again and again. `warm` gives paths that are asked for before, and do
    not count. `stored`: Recto is to answer with what is stored."""
    help: str
    paths: typing.Callable
    way: str
    beside: tuple
    clients: int = 0
    warm: typing.Callable | None = None
    stored: bool = False


def describe(server, name):
    """The info.json of an image."""
    if not os.path.exists(os.path.join(server.images, name)):
        raise LookupError(f"`{name}` was not made; install the Debian package libopenjp2-tools and have the library made anew")
    status, body = server.get(f"{server.prefix}{name}/info.json")
    if status != 200:
        raise LookupError(f"it answers {status} for info.json of {name}")
    return json.loads(body)


def picture(server, name, region, size, asked=None):
    return f"{server.prefix}{name}/{region}/{asked or '{},{}'.format(*size)}/0/default.jpg", size


def all_tiles(server, names, is_wanted=lambda is_cut: True):
    return [picture(server, name, region, size) for name in names for region, size, is_cut in tiles(describe(server, name))
            if is_wanted(is_cut)]


def sessions(server, names, count):
    rnd = random.Random(3)
    infos = {name: describe(server, name) for name in names}
    return [picture(server, names[number % len(names)], region, size)
            for number in range(count) for region, size, _ in session(infos[names[number % len(names)]], rnd)]


def shuffled(found):
    """Always in the same way."""
    return random.Random(1).sample(found, len(found))


def interior(server):
    return shuffled(all_tiles(server, library.LARGE, lambda is_cut: not is_cut))


def hot(server):
    return shuffled(all_tiles(server, library.LARGE[:1], lambda is_cut: not is_cut))[:400]


def edges(server):
    return shuffled(all_tiles(server, library.LARGE, lambda is_cut: is_cut))


def hot_edges(server):
    return shuffled(all_tiles(server, library.LARGE[:1], lambda is_cut: is_cut))[:400]


def deflate(server):
    return shuffled(all_tiles(server, [library.DEFLATE]))


def hot_deflate(server):
    return shuffled(all_tiles(server, [library.DEFLATE]))[:400]


def jpeg_pages(server):
    return sessions(server, library.pages("jpg"), 20)


def flat(server):
    return sessions(server, [library.FLAT], 20)


def flat_at_all_scales(server):
    """No tiles, so that none is answered from a cache later; but what is made of the file once is made."""
    info = describe(server, library.FLAT)
    for scale in info["tiles"][0]["scaleFactors"]:
        w, h = min(256 * scale, info["width"] - 1), min(256 * scale, info["height"] - 1)
        yield f"{server.prefix}{library.FLAT}/1,1,{w},{h}/{min(w, 256)},/0/default.jpg"


def untiled_jp2(server):
    return sessions(server, library.JP2_PAGES, 20)


def tiled_jp2(server):
    return sessions(server, [library.TILED_JP2], 20)


def unaligned(server):
    info = describe(server, library.LARGE[0])
    return [picture(server, library.LARGE[0], region, size, f"{size[0]},") for region, size in regions(info, 400, 1000)]


def thumbnails(server, names):
    found = []
    for name in names:
        size = thumbnail(describe(server, name), 400)
        # A file has its size in its name.
        found.append(picture(server, name, "full", size, None if server.kind == "nginx" else "!400,400"))
    return found


def pyramid_thumbnails(server):
    return thumbnails(server, [*library.pages("tif"), *library.LARGE])


def jpeg_thumbnails(server):
    return thumbnails(server, library.pages("jpg"))


def jp2_thumbnails(server):
    return thumbnails(server, library.JP2_PAGES)


def pages_at(server, ending, width):
    found = []
    for name in library.pages(ending):
        info = describe(server, name)
        wide = min(width, info["width"])
        found.append(picture(server, name, "full", (wide, round(info["height"] * wide / info["width"])), f"{wide},"))
    return found


def wide_pages(server):
    return pages_at(server, "jpg", 1600)


def wide_pyramids(server):
    return pages_at(server, "tif", 1600)


def whole_pages(server):
    infos = {name: describe(server, name) for name in library.pages("jpg")}
    return [picture(server, name, "full", (info["width"], info["height"]), "max") for name, info in infos.items()]


def infos(server):
    return [(f"{server.prefix}{name}/info.json", None) for name in (*library.pages("tif"), library.LARGE[0])]


def viewer(server):
    """Thumbnails of sixty pages, then ten of them looked at closely."""
    rnd = random.Random(4)
    names = library.pages("tif")
    found = thumbnails(server, names)
    for name in rnd.sample(names, 10):
        info = describe(server, name)
        found.append((f"{server.prefix}{name}/info.json", None))
        found += [picture(server, name, region, size) for region, size, _ in session(info, rnd, pans=3)]
    return found


STATIC, DYNAMIC, CODED = ("nginx", "iipsrv"), ("iipsrv", "sharp"), ("iipsrv",)

WORKS = {
    "W1": Work("each tile within the JPEG pyramid, under 8 names, once and in random order", interior, "once", STATIC),
    "W1-hot": Work("400 of these tiles again and again", hot, "loop", STATIC),
    "W1-edge": Work("each tile that the image's edge cuts, under 8 names, once", edges, "once", CODED),
    "W1-edge-hot": Work("such tiles again and again", hot_edges, "loop", STATIC),
    "W1-deflate": Work("each tile of the Deflate pyramid once", deflate, "once", CODED),
    "W1-deflate-hot": Work("400 of these tiles again and again", hot_deflate, "loop", CODED),
    "W1-pages": Work("20 sessions on pages that are plain JPEG files", jpeg_pages, "once", CODED),
    "W1-flat": Work("20 sessions on the large plain JPEG, once it has its index", flat, "once", CODED, warm=flat_at_all_scales),
    "W1-jp2-untiled": Work("20 sessions on pages in JPEG 2000, untiled", untiled_jp2, "once", CODED),
    "W1-jp2-tiled": Work("20 sessions on the large JPEG 2000, tiles of 1024", tiled_jp2, "once", CODED),
    "W2": Work("400 regions of the JPEG pyramid aligned to nothing, at `1000,`", unaligned, "once", DYNAMIC),
    "W3-pyramids": Work("thumbnails `!400,400` of JPEG pyramids, each once", pyramid_thumbnails, "once", DYNAMIC),
    "W3-jpeg": Work("thumbnails `!400,400` of plain JPEG pages, each once", jpeg_thumbnails, "once", DYNAMIC),
    "W3-jp2": Work("thumbnails `!400,400` of JPEG 2000 pages, each once", jp2_thumbnails, "once", CODED),
    "W3-hot": Work("thumbnails of JPEG pyramids again and again", pyramid_thumbnails, "loop", STATIC),
    "W4-1600": Work("plain JPEG pages at `1600,`, each once", wide_pages, "once", DYNAMIC),
    "W4-1600-pyramids": Work("JPEG pyramids of pages at `1600,`, each once", wide_pyramids, "once", DYNAMIC),
    "W4-max": Work("plain JPEG pages at `max`, each once", whole_pages, "once", DYNAMIC, stored=True),
    "W5": Work("info.json again and again", infos, "loop", STATIC),
    "W6": Work("a viewer on a manifest of 60 pages, 6 connections, once", viewer, "once", DYNAMIC, clients=6),
}
