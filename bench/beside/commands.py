"""Works that are whole commands, and the index of a plain JPEG: time, CPU and memory beside those of vips."""
import os
import statistics
import subprocess
import tempfile
import time

from beside import answers, library
from beside.works import describe
from pictures import Trouble, run

# A tile in the middle of nothing special; it is there in every size of the large picture and of the pages.
REGION = "256,256,256,256"


def timed(command, log):
    """Runs a command; its seconds, its processor time, and the most memory that one process of it took."""
    began = time.monotonic()
    with open(log, "w") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        with open(log) as out:
            raise Trouble(f"`{' '.join(map(str, command))}` failed: {(out.read().strip().splitlines() or ['without a word'])[-1]}")
    return {"seconds": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}


def tile(recto, vips, images, name, folder):
    """Static tiles. Gives the commands, and where each puts the tile that is looked at."""
    source, ours, theirs = os.path.join(images, name), os.path.join(folder, "recto"), os.path.join(folder, "vips")
    path = f"{REGION}/256,256/0/default.jpg"
    return {
        "recto tile": ([recto, "tile", source, "--to", ours, "--url", "http://localhost/iiif", "--tile", 256,
                        "--quality", library.QUALITY], os.path.join(ours, name, path)),
        "vips dzsave": ([vips, "dzsave", source, theirs, "--layout", "iiif3", "--tile-size", 256,
                         "--suffix", f".jpg[Q={library.QUALITY}]"], os.path.join(theirs, path)),
    }


def convert(recto, vips, images, name, folder):
    """A pyramid of JPEG tiles."""
    source, ours, theirs = (os.path.join(*path) for path in ((images, name), (folder, "recto.tif"), (folder, "vips.tif")))
    return {
        "recto convert": ([recto, "convert", source, "--to", ours, "--compression", "jpeg", "--quality", 85, "--tile", 256], ours),
        "vips tiffsave": ([vips, "tiffsave", source, theirs, *library.PYRAMID, "--bigtiff", "--compression", "jpeg", "--Q", 85], theirs),
    }


def is_right(vips, images, name, result):
    """What is wrong with the tile that a command made, or with that part of the file; None when nothing is."""
    with tempfile.TemporaryDirectory(prefix="recto-look-") as folder:
        if not os.path.exists(result):
            return f"there is no `{result}`"
        if result.endswith(".tif"):
            part = os.path.join(folder, "answer.v")
            run(vips, "crop", result, part, *REGION.split(","))
            result = part
        differs = answers.difference(vips, folder, result, os.path.join(images, library.reference(name)), REGION)
    if differs > answers.MOST_DIFFERENCE:
        return f"a part of it differs by {differs:.1f} levels in the middle from what vips makes of it"
    return None


def whole_command(make, name):
    """A work that runs both commands by turns, each into a new place."""
    def work(tools, folder, given):
        images, figures, wrong = os.path.join(folder, "images"), {}, []
        for repetition in range(given.reps):
            with tempfile.TemporaryDirectory(dir=folder, prefix="command-") as place:
                commands = make(os.path.abspath(given.recto), tools["vips"], images, name, place)
                for what in sorted(commands, reverse=bool(repetition % 2)):
                    command, result = commands[what]
                    figures.setdefault(what, []).append(timed(command, os.path.join(place, "log")))
                    if repetition == 0 and (fault := is_right(tools["vips"], images, name, result)):
                        wrong.append(f"{what}: {fault}")
        return figures, wrong
    return work


def index(tools, folder, given):
    """The first tile of the plain JPEG, for which its index is built; beside decoding the file at 1/8."""
    figures = {"recto, first tile": [], "vips, at 1/8": []}
    recto = next(server for server in tools["servers"] if server.kind == "recto")
    for _ in range(given.reps):
        with recto:
            # Opened before: what is measured is the index.
            describe(recto, library.FLAT)
            used, began = recto.cpu_seconds(), time.monotonic()
            status, _ = recto.get(f"{recto.prefix}{library.FLAT}/{REGION}/256,256/0/default.jpg")
            seconds = time.monotonic() - began
            figures["recto, first tile"].append({"seconds": seconds, "cpu": recto.cpu_seconds() - used, "memory": recto.memory_mib()})
            if status != 200:
                return figures, [f"the first tile is answered {status}"]
        with tempfile.TemporaryDirectory(dir=folder, prefix="command-") as place:
            command = [tools["vips"], "copy", os.path.join(folder, "images", library.FLAT) + "[shrink=8]", os.path.join(place, "eighth.v")]
            figures["vips, at 1/8"].append(timed(command, os.path.join(place, "log")))
    return figures, []


COMMANDS = {
    "W1-index": ("the index of the large plain JPEG, beside decoding it at 1/8", index),
    "W7-pyramid": ("static tiles of the JPEG pyramid", whole_command(tile, library.LARGE[0])),
    "W7-flat": ("static tiles of the large plain JPEG", whole_command(tile, library.FLAT)),
    "W8-large": ("the large plain JPEG becomes a pyramid", whole_command(convert, library.FLAT)),
    "W8-page": ("a plain JPEG page becomes a pyramid", whole_command(convert, library.pages("jpg")[0])),
}


def compare(tools, folder, name, given):
    """Runs one of them and prints its table; the number of errors."""
    text, work = COMMANDS[name]
    print(f"\n{name}: {text}", flush=True)
    figures, wrong = work(tools, folder, given)
    for line in wrong:
        print(f"  wrong: {line}")
    middle = {what: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for what, runs in figures.items() if runs}
    peer = next((middle[what] for what in middle if what.startswith("vips")), None)
    print("  command               s    x vips     CPU s    x vips  memory MiB    x vips")
    for what, m in middle.items():
        ratios = {key: m[key] / peer[key] if peer and peer[key] else float("nan") for key in m}
        print(f"  {what:<17}{m['seconds']:>7.2f}{ratios['seconds']:>10.2f}{m['cpu']:>10.2f}{ratios['cpu']:>10.2f}{m['memory']:>12.0f}"
              f"{ratios['memory']:>10.2f}")
    return len(wrong)
