"""Are answers what was asked for? Their size, and their pixels beside those that vips makes of the same part of the original."""
import json
import os
import shutil
import tempfile

from beside import library
from pictures import run

# Pixels of two programs may differ so much in the middle, in levels, after both are shrunk by SHRINK: a wrong place, a wrong colour and
# an empty tile differ by more; grain, quality and ways of scaling by less.
MOST_DIFFERENCE, SHRINK = 3.0, 4


def jpeg_size(body):
    """Width and height by the frame header of a JPEG that is whole; None for anything else."""
    at = 2
    while body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9" and at + 9 < len(body):
        if 0xC0 <= body[at + 1] <= 0xCF and body[at + 1] not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(body[at + 7:at + 9], "big"), int.from_bytes(body[at + 5:at + 7], "big")
        at += 2 + int.from_bytes(body[at + 2:at + 4], "big")
    return None


def fault(path, size, status, body):
    """What is wrong with an answer, in words; None when nothing is."""
    if status != 200:
        return f"{path} is answered {status}"
    if size is None:
        return None if is_info(body) else f"{path} is answered with what is no info.json"
    got = jpeg_size(body)
    if not got:
        return f"{path} is answered with no whole JPEG"
    # A side that follows from the other may be rounded either way; those of a tile are both asked for.
    asked = path.split("/")[-3]
    slack = 1 if asked.startswith("!") or asked.endswith(",") else 0
    if max(abs(got[0] - size[0]), abs(got[1] - size[1])) > slack:
        return f"{path} is answered with {got[0]} x {got[1]} pixels"
    return None


def is_info(body):
    try:
        info = json.loads(body)
    except ValueError:
        return False
    return isinstance(info, dict) and info.get("width", 0) > 0 and info.get("height", 0) > 0


def scans(jpeg):
    """All of a JPEG from its first scan on: what is in it, whatever stands before."""
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at + 1] != 0xDA:
        at += 2 + int.from_bytes(jpeg[at + 2:at + 4], "big")
    return jpeg[at:]


def difference(vips, folder, answer, original, region):
    """The mean difference in levels of an answer, a file, from this region (`full`, or `x,y,w,h`) of an original."""
    part, wanted, ours, theirs, result = (os.path.join(folder, name) for name in ("part.v", "wanted.v", "ours.v", "theirs.v", "result.v"))
    width, height = (int(run(os.path.join(os.path.dirname(vips), "vipsheader"), "-f", field, answer)) for field in ("width", "height"))
    if region == "full":
        run(vips, "thumbnail", original, wanted, width, "--height", height, "--size", "force")
    else:
        run(vips, "crop", original, part, *region.split(","))
        run(vips, "thumbnail_image", part, wanted, width, "--height", height, "--size", "force")
    factor = SHRINK if min(width, height) >= 8 * SHRINK else 1
    run(vips, "shrink", answer, ours, factor, factor)
    run(vips, "shrink", wanted, theirs, factor, factor)
    run(vips, "subtract", ours, theirs, result)
    # The file that is written must not be one that is read.
    run(vips, "abs", result, part)
    return float(run(vips, "avg", part))


def look(vips, server, path, body):
    """What is wrong with the pixels of an answer; None when nothing is."""
    name, region = path.removeprefix(server.prefix).split("/")[:2]
    folder = tempfile.mkdtemp(prefix="recto-look-")
    try:
        answer = os.path.join(folder, "answer.jpg")
        with open(answer, "wb") as file:
            file.write(body)
        differs = difference(vips, folder, answer, os.path.join(server.images, library.reference(name)), region)
    finally:
        shutil.rmtree(folder)
    if differs > MOST_DIFFERENCE:
        return f"{path} differs by {differs:.1f} levels in the middle from what vips makes of it, more than {MOST_DIFFERENCE:.0f}"
    return None
