#!/usr/bin/env python3
"""Overload: many clients ask for whole large images at once, again and again, others for tiles, while one client measures.

D1: the server stays within its memory, is never killed, answers nothing but 200, 413 and 503, of each kind of image some are answered
whole, and tiles keep flowing: 95 % of them are answered, and 95 % of those within three times the time that they take when nothing else
goes on.
D2: ten times as much is asked for as can be done; meanwhile 99 % of the requests for a tile that is cached take less than 20 ms longer
than before, those for `info.json` less than 50 ms.

Python 3, standard library only.

    bench/overload.py --recto target/release/recto --corpus FOLDER [--seconds 60] [--clients 200] [--memory-mib 1024]
    bench/overload.py --recto target/release/recto --image BIG.tif [--seconds 30] [--clients 64]

FOLDER holds large images; all files in it are used that the server reads and that have at least --least-megapixels, and there must be
one of each of --kinds among them. `bench/large.py FOLDER` draws them as large as D1 has them.

The bound is the most that was ever resident, as the kernel keeps it. Where a control group can be made, the server runs in one of
--memory-mib, whose kernel would kill it; where none can, which is said, resident memory must stay within --memory-mib itself.
Exit 0 when all held, 1 when something did not, 2 when it could not be tried.
"""
import argparse
import collections
import contextlib
import http.client
import json
import multiprocessing
import os
import queue
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse

import control_group
from serving import Client, metrics, quantile, rest, rss_mib, shares, start, stop

HEAVY_PROCESSES = 4
# Every so many-th of the clients looks at tiles, one in a second; the others ask for whole images.
VIEWERS = 4
# So many measurements of each kind before the load: fewer say little about the slowest of a hundred.
LEAST_IDLE = 2000
# D2: so many times what can be done is asked for.
SATURATION = 10
MAY_BE = {200, 413, 503}

Image = collections.namedtuple("Image", "prefix width height tile kind")


def kind_of(path):
    """What a large image is by its content; None for what does not count here."""
    with open(path, "rb") as file:
        first = file.read(12)
        if first[4:8] == b"jP  " or first[:4] == b"\xff\x4f\xff\x51":
            return "JP2"
        if first[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return "TIFF"
        if first[:2] != b"\xff\xd8":
            return None
        at = 2
        while True:
            file.seek(at)
            head = file.read(4)
            if len(head) < 4 or head[0] != 0xFF:
                return "JPEG"
            if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):
                return "progressive JPEG" if head[1] in (0xC2, 0xCA) else "JPEG"
            at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:], "big")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--corpus", help="a folder with large images")
    parser.add_argument("--image", help="one large image instead")
    parser.add_argument("--kinds", default="JP2,TIFF,progressive JPEG", help="kinds that --corpus must have")
    parser.add_argument("--least-megapixels", type=float, default=600, help="D1 has images of 20000 x 30000")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--memory-mib", "--budget-mib", dest="memory_mib", type=int, default=1024)
    parser.add_argument("--set", action="append", default=[], help="a further option of the server, `section.key=value`")
    a = parser.parse_args()
    if not a.corpus and not a.image:
        parser.error("name --corpus or --image")
    work = tempfile.mkdtemp(prefix="recto-overload-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        group, reason = control_group.make(a.memory_mib << 20)
        if group:
            stack.enter_context(group)
            print(f"the server runs in a control group of {a.memory_mib} MiB (version {group.version}: `{group.folder}`)")
        else:
            print(f"no control group can be made, so nothing would kill the server: {reason}")
        kinds = link(a, os.path.join(work, "library"))
        options = [*shares(a.memory_mib), *a.set]
        server, address = start(a.recto, os.path.join(work, "library"), os.path.join(work, "state"), options, group and group.join)
        if not server:
            return 2
        stack.callback(stop, server)
        images = find_images(Client(address), kinds, 0 if a.image else a.least_megapixels)
        served = collections.Counter(image.kind for image in images)
        print(f"images: {len(images)}, of {dict(served)}")
        missing = [kind for kind in a.kinds.split(",") if not served[kind]] if a.corpus and not a.image else []
        if missing or not images:
            print(f"no {' and no '.join(missing) or 'image'} of {a.least_megapixels:.0f} megapixels is served; "
                  "`bench/large.py FOLDER` draws such images, --least-megapixels takes smaller ones", file=sys.stderr)
            return 2
        return try_out(a, images, server, address, group)


def link(a, library):
    """Makes a library of the images; gives the kind of each by its name in it."""
    os.mkdir(library)
    given = [a.image] if a.image else sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(a.corpus) for name in names)
    kinds = {}
    for number, path in enumerate(given):
        name = f"{number}{os.path.splitext(path)[1]}"
        os.symlink(os.path.abspath(path), os.path.join(library, name))
        kinds[name] = kind_of(path) or (os.path.splitext(path)[1] if a.image else None)
    return kinds


def find_images(client, kinds, least_megapixels):
    images = []
    for name, kind in sorted(kinds.items()):
        if not kind:
            continue
        prefix = "/iiif/3/" + urllib.parse.quote(name, safe="")
        status, body, _ = client.get(prefix + "/info.json")
        if status == 200:
            info = json.loads(body)
            if info["width"] * info["height"] >= least_megapixels * 1e6:
                images.append(Image(prefix, info["width"], info["height"], info["tiles"][0]["width"], kind))
    return images


def try_out(a, images, server, address, group):
    measure = Measure(address, images)
    if not measure.warm():
        print("warning: work goes on in the background that was begun before the measurement")
    measure.run("idle", LEAST_IDLE)
    renders = metrics(Client(address))["recto_renders_total"]
    context = multiprocessing.get_context("fork")
    over, results = context.Event(), context.Queue()
    # Those who disturb are processes of their own, and stand back: what is measured is the server, not this program.
    parts = [range(first, a.clients, HEAVY_PROCESSES) for first in range(min(HEAVY_PROCESSES, a.clients))]
    disturbers = [context.Process(target=disturb, args=(address, images, part, over, results), daemon=True) for part in parts]
    for disturber in disturbers:
        disturber.start()
    measure.run_for("busy", a.seconds)
    alive = server.poll() is None
    peak_mib = rss_mib(server.pid, "VmHWM") if alive else float("nan")
    counted = metrics(Client(address)) if alive else {}
    over.set()
    asked, retry_after = collections.Counter(), []
    try:
        for _ in disturbers:
            counts, seconds = results.get(timeout=60)
            asked.update(counts)
            retry_after += seconds
    except queue.Empty:
        print("a process of this program that asks for images ended before its time", file=sys.stderr)
        return 2
    for what in ("tile", "cached tile", "info.json"):
        parts = [f"{phase} " + " ".join(f"p{part} {measure.at(what, phase, part / 100):.2f}" for part in (50, 95, 99)) + " ms"
                 for phase in ("idle", "busy")]
        print(f"{what}: {'; '.join(parts)}, n={len(measure.times[what, 'idle'])} and {len(measure.times[what, 'busy'])}")
    if retry_after:
        print(f"Retry-After: {min(retry_after)} to {max(retry_after)} s, median {statistics.median(retry_after):.0f} s")
    for name in ("recto_work_verdicts_busy_total", "recto_work_verdicts_too_large_total", "recto_work_expired_total",
                 "recto_work_given_up_total", "recto_renders_total"):
        print(f"{name} {counted.get(name, float('nan')):.0f}")
    if group and group.peak_mib():
        print(f"the control group took {group.peak_mib():.0f} MiB at most, caches of files included")
    memory = {"alive": alive, "peak_mib": peak_mib, "given_mib": a.memory_mib, "oom_kills": group.oom_kills() if group else None}
    rendered = counted.get("recto_renders_total", 0) - renders
    held = [*judge_memory(**memory), *judge_whole(asked, {image.kind for image in images}, rendered), *judge_tiles(measure)]
    for holds, text in held:
        print("ok  " if holds else "FAIL", text)
    return 0 if all(holds for holds, _ in held) else 1


def judge_memory(alive, peak_mib, given_mib, oom_kills):
    yield alive, "D1 the server was never killed"
    if oom_kills is None:
        yield peak_mib <= given_mib, f"D1 peak RSS {peak_mib:.0f} MiB is within {given_mib} MiB, where no control group would kill it"
    else:
        yield oom_kills == 0, f"D1 {oom_kills} processes of the control group were killed for want of memory"
        yield peak_mib <= given_mib * 1.15, f"D1 peak RSS {peak_mib:.0f} MiB is within {given_mib} MiB + 15 %"


def judge_whole(asked, kinds, rendered):
    """`asked` counts answers by kind of image, by `whole` or `tile`, and by status."""
    statuses = {status for _, _, status in asked}
    yield bool(statuses) and statuses <= MAY_BE, f"D1 those who disturb: only 200, 413, 503: {add_up(asked)}"
    for kind in sorted(kinds):
        whole = asked[kind, "whole", 200]
        yield whole > 0, f"D1 {whole} whole images from {kind} were answered, one at least"
    yield rendered > 0, f"D1 {rendered:.0f} images were rendered meanwhile"
    done = sum(asked[kind, "whole", 200] for kind in kinds)
    offered = done + sum(asked[kind, "whole", 503] for kind in kinds)
    times = offered / done if done else 0
    yield times >= SATURATION, f"D2 {times:.1f} times as many whole images were asked for as were done, {SATURATION} at least"


def add_up(asked):
    sums = collections.Counter()
    for (_, what, status), count in asked.items():
        sums[f"{what} {status}"] += count
    return dict(sorted(sums.items()))


def judge_tiles(measure):
    for what in ("tile", "cached tile", "info.json"):
        least = 0.95 if what == "tile" else 1
        for phase in ("idle", "busy"):
            statuses = {status: count for (asked, when, status), count in measure.statuses.items() if (asked, when) == (what, phase)}
            part = statuses.get(200, 0) / max(sum(statuses.values()), 1)
            holds = set(statuses) <= MAY_BE and part >= least
            yield holds, f"D1 {what} {phase}: {part:.1%} answered 200, {least:.0%} at least, the others 413 or 503: {statuses}"
    slower = measure.at("tile", "busy", .95) / measure.at("tile", "idle", .95)
    yield slower < 3, f"D1 tiles: p95 is {slower:.2f} of what it is when idle, less than 3"
    for what in ("cached tile", "info.json"):
        count = len(measure.times[what, "idle"])
        yield count >= LEAST_IDLE, f"D2 {what}: {count} measurements when idle, {LEAST_IDLE} at least"
    later = measure.at("cached tile", "busy", .99) - measure.at("cached tile", "idle", .99)
    yield later < 20, f"D2 cached tile: p99 rises by {later:.1f} ms, less than 20"
    slowest = measure.at("info.json", "busy", .99)
    yield slowest < 50, f"D2 info.json: p99 {slowest:.1f} ms, less than 50"


class Measure:
    """Tiles, a tile that is cached and `info.json`, one after the other, each with its time; only what is answered has one."""

    def __init__(self, address, images):
        self.client, self.images, self.random = Client(address), images, random.Random(1)
        first = images[0]
        self.info = first.prefix + "/info.json"
        half, width, height = first.tile // 2, min(first.tile, first.width // 2), min(first.tile, first.height // 2)
        self.cached = f"{first.prefix}/{half},{half},{width},{height}/max/0/default.jpg"
        self.statuses, self.times, self.seen = collections.Counter(), collections.defaultdict(list), set()

    def ask(self, path):
        try:
            return self.client.get(path, keep=False)[0]
        except (http.client.HTTPException, OSError) as error:
            time.sleep(0.05)
            return type(error).__name__

    def warm(self):
        """Opens each image and has made what is made of it once: indexes, small pictures, other forms. True when all that is done."""
        for _ in range(2):
            for image in self.images:
                for path in ("/info.json", "/full/!400,400/0/default.jpg"):
                    self.ask(image.prefix + path)
                for _ in range(4):
                    self.ask(self.tile(image))
            is_done = rest(self.client)
        self.ask(self.cached)
        return is_done

    def tile(self, image):
        """A tile of full resolution that was not asked for before; every second one does not lie in the stored grid."""
        side = image.tile
        for _ in range(100):
            shift = side // 2 if self.random.random() < 0.5 else 0
            x = self.random.randrange(max(image.width // side - 1, 1)) * side + shift
            y = self.random.randrange(max(image.height // side - 1, 1)) * side + shift
            path = f"{image.prefix}/{x},{y},{side},{side}/{side},/0/default.jpg"
            if path not in self.seen:
                break
        self.seen.add(path)
        return path

    def get(self, what, phase, path):
        began = time.monotonic()
        status = self.ask(path)
        if status == 200:
            self.times[what, phase].append(time.monotonic() - began)
        self.statuses[what, phase, status] += 1

    def once(self, phase):
        self.get("tile", phase, self.tile(self.random.choice(self.images)))
        self.get("cached tile", phase, self.cached)
        self.get("info.json", phase, self.info)

    def run(self, phase, times):
        for _ in range(times):
            self.once(phase)

    def run_for(self, phase, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.once(phase)

    def at(self, what, phase, part):
        """Milliseconds within which this part of them was answered."""
        return quantile(self.times[what, phase], part)


def disturb(address, images, numbers, over, results):
    """So many clients: most ask for whole images, some look at tiles."""
    os.nice(10)
    asked, retry_after, lock = collections.Counter(), [], threading.Lock()

    def ask(client, image, what, path):
        """Counts an answer; True when the client is to wait a little before it asks again."""
        try:
            status, _, headers = client.get(path, keep=False)
        except (OSError, http.client.HTTPException) as error:
            if over.is_set():
                return True
            status, headers = type(error).__name__, {}
        with lock:
            asked[image.kind, what, status] += 1
            if status == 503:
                retry_after.append(int(headers.get("Retry-After", "0")))
        return status != 200

    def heavy(number):
        rnd, client = random.Random(number), Client(address)
        while not over.is_set():
            image = rnd.choice(images)
            # Different qualities, so that not all of them join one computation.
            quality = rnd.choice(["default.jpg", "gray.jpg", "default.png", "default.webp", "bitonal.png", "default.tif"])
            rotation = rnd.choice(["0", "0", "90", "!0", f"{rnd.uniform(1, 359):.1f}"])
            # No width twice, as far as can be: what was made before would be answered from the cache.
            less = rnd.randrange(max(image.width // 40, 1))
            size = rnd.choice(["max", "max", "max", *(f"{image.width // part - less}," for part in (2, 3, 8))])
            if ask(client, image, "whole", f"{image.prefix}/full/{size}/{rotation}/{quality}"):
                # Ten times more would only measure this program.
                time.sleep(0.2)

    def viewer(number):
        rnd, client = random.Random(number), Client(address)
        while not over.wait(rnd.uniform(0.5, 1.5)):
            image = rnd.choice(images)
            side = image.tile
            x, y = (rnd.randrange(max(length // side - 1, 1)) * side for length in (image.width, image.height))
            ask(client, image, "tile", f"{image.prefix}/{x},{y},{side},{side}/{side},/0/default.jpg")

    for number in numbers:
        # Some in each of the processes.
        is_viewer = number % VIEWERS == number // HEAVY_PROCESSES % VIEWERS
        threading.Thread(target=viewer if is_viewer else heavy, args=(number,), daemon=True).start()
    over.wait()
    with lock:
        results.put((collections.Counter(asked), list(retry_after)))


if __name__ == "__main__":
    sys.exit(main())
