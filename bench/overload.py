#!/usr/bin/env python3
"""Overload: many clients ask for whole large images at once, again and again, while one client keeps asking for tiles.

D1: the server stays within its memory, is never killed, answers nothing but 200, 413 and 503, and tiles keep flowing: 95 % of them
within three times the time that they take when nothing else goes on.
D2: meanwhile 99 % of the requests for a tile that is cached take less than 20 ms longer than then, those for `info.json` less than 50 ms.

Python 3, standard library only.

    bench/overload.py --recto target/release/recto --corpus FOLDER [--seconds 60] [--clients 200] [--memory-mib 1024]
    bench/overload.py --recto target/release/recto --image BIG.tif [--seconds 30] [--clients 64]

FOLDER holds large images (JPEG 2000, TIFF, progressive JPEG); all files in it are used that the server reads and that have
at least --least-megapixels.

The bound: resident memory is watched every 20 ms; there is no control group to kill the server.
Exit 0 when all held, 1 when something did not, 2 when it could not be tried.
"""
import argparse
import collections
import http.client
import json
import multiprocessing
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse


def rss_mib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) / 1024


HEAVY_PROCESSES = 4


class Client:
    """One connection that is kept; opened anew when the server closed it."""

    def __init__(self, address, timeout=180):
        self.host, port = address.rsplit(":", 1)
        self.port, self.timeout, self.connection = int(port), timeout, None

    def get(self, path):
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                self.connection.request("GET", path)
                answer = self.connection.getresponse()
                body = answer.read()
                return answer.status, body, answer.headers
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if attempt:
                    raise


def start(recto, library, state, options):
    command = [recto, "serve", library, "--listen", "127.0.0.1:0", "--state", state, "--set", "source.symlinks=follow"]
    for option in options:
        command += ["--set", option]
    log = open(os.path.join(os.path.dirname(state), "log"), "w+")
    server = subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL)
    for _ in range(600):
        found = re.search(r"listening on (\S+)", open(log.name).read())
        if found:
            return server, found.group(1)
        if server.poll() is not None:
            break
        time.sleep(0.05)
    print(open(log.name).read(), file=sys.stderr)
    return None, None


def metrics(client):
    lines = client.get("/metrics")[1].decode().splitlines()
    pairs = (line.split(" ") for line in lines if line and not line.startswith("#") and "{" not in line)
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def quantile(seconds, part):
    return sorted(seconds)[min(int(len(seconds) * part), len(seconds) - 1)] * 1000 if seconds else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--corpus", help="a folder with large images")
    parser.add_argument("--image", help="one large image instead")
    parser.add_argument("--least-megapixels", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--memory-mib", "--budget-mib", dest="memory_mib", type=int, default=1024)
    parser.add_argument("--set", action="append", default=[], help="a further option of the server, `section.key=value`")
    a = parser.parse_args()
    if not a.corpus and not a.image:
        parser.error("name --corpus or --image")
    work = tempfile.mkdtemp(prefix="recto-overload-")
    library = os.path.join(work, "library")
    os.mkdir(library)
    given = [a.image] if a.image else sorted(
        os.path.join(folder, name) for folder, _, names in os.walk(a.corpus) for name in names)
    for number, path in enumerate(given):
        os.symlink(os.path.abspath(path), os.path.join(library, f"{number}{os.path.splitext(path)[1]}"))
    # All of the memory: half for pixels at work, an eighth each for what decoders remember and for derivatives; the rest is the
    # program, its threads and what the system's allocator keeps.
    options = [f"work.memory={a.memory_mib // 2} MiB", f"work.memo={a.memory_mib // 8} MiB",
               f"cache.max_memory={a.memory_mib // 8} MiB", *a.set]
    server, address = start(a.recto, library, os.path.join(work, "state"), options)
    if not server:
        return 2
    client = Client(address)
    images = []
    for name in sorted(os.listdir(library)):
        prefix = "/iiif/3/" + urllib.parse.quote(name, safe="")
        status, body, _ = client.get(prefix + "/info.json")
        if status == 200:
            info = json.loads(body)
            if info["width"] * info["height"] >= a.least_megapixels * 1e6 or a.image:
                images.append((prefix, info["width"], info["height"], info["tiles"][0]["width"], os.path.splitext(name)[1]))
    if not images:
        print("no image is large enough", file=sys.stderr)
        server.kill()
        return 2
    print(f"images: {len(images)}, of {collections.Counter(image[4] for image in images)}")

    measure = Measure(address, images)
    measure.run("idle", 200)
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.SimpleQueue()
    # Those who disturb are processes of their own, and stand back: what is measured is the server, not this program.
    shares = [range(first, a.clients, HEAVY_PROCESSES) for first in range(min(HEAVY_PROCESSES, a.clients))]
    disturbers = [context.Process(target=disturb, args=(address, images, share, stop, results), daemon=True) for share in shares]
    for disturber in disturbers:
        disturber.start()
    peak = [0.0]

    def watch():
        while not stop.is_set() and server.poll() is None:
            peak[0] = max(peak[0], rss_mib(server.pid))
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()
    measure.run_for("busy", a.seconds)
    alive = server.poll() is None
    counted = metrics(Client(address)) if alive else {}
    stop.set()
    server.terminate()
    statuses, retry_after = collections.Counter(), []
    for _ in disturbers:
        counts, seconds = results.get()
        statuses.update(counts)
        retry_after += seconds
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
    shutil.rmtree(work, ignore_errors=True)

    for what in ("tile", "cached tile", "info.json"):
        parts = [f"{phase} " + " ".join(f"p{part} {measure.at(what, phase, part / 100):.2f}" for part in (50, 95, 99)) + " ms"
                 for phase in ("idle", "busy")]
        print(f"{what}: {'; '.join(parts)}, n={len(measure.times[what, 'busy'])}")
    if retry_after:
        print(f"Retry-After: {min(retry_after)} to {max(retry_after)} s, median {statistics.median(retry_after):.0f} s")
    for name in ("recto_work_verdicts_busy_total", "recto_work_verdicts_too_large_total", "recto_work_expired_total",
                 "recto_work_given_up_total", "recto_renders_total"):
        print(f"{name} {counted.get(name, float('nan')):.0f}")
    slower = measure.at("tile", "busy", .95) / measure.at("tile", "idle", .95)
    later = measure.at("cached tile", "busy", .99) - measure.at("cached tile", "idle", .99)
    checks = {
        "D1 the server was never killed": alive,
        f"D1 peak RSS {peak[0]:.0f} MiB is within {a.memory_mib} MiB + 15 %": peak[0] <= a.memory_mib * 1.15,
        f"D1 whole images: only 200, 413, 503: {dict(statuses)}": set(statuses) <= {200, 413, 503} and bool(statuses),
        f"D1 tiles: only 200, 413, 503: {dict(measure.statuses)}": set(measure.statuses) <= {200, 413, 503},
        f"D1 tiles: p95 is {slower:.2f} of what it is when idle, less than 3": slower < 3,
        f"D2 cached tile: p99 rises by {later:.1f} ms, less than 20": later < 20,
        f"D2 info.json: p99 {measure.at('info.json', 'busy', .99):.1f} ms, less than 50": measure.at("info.json", "busy", .99) < 50,
    }
    for text, held in checks.items():
        print("ok  " if held else "FAIL", text)
    return 0 if all(checks.values()) else 1


class Measure:
    """Tiles, a tile that is cached and `info.json`, one after the other, each with its time."""

    def __init__(self, address, images):
        self.client, self.images, self.random = Client(address), images, random.Random(1)
        prefix, width, height, tile, _ = images[0]
        self.info = prefix + "/info.json"
        self.cached = f"{prefix}/{tile // 2},{tile // 2},{min(tile, width // 2)},{min(tile, height // 2)}/max/0/default.jpg"
        self.statuses, self.times = collections.Counter(), collections.defaultdict(list)
        self.client.get(self.cached)

    def get(self, what, phase, path):
        began = time.monotonic()
        status, _, _ = self.client.get(path)
        self.times[what, phase].append(time.monotonic() - began)
        self.statuses[status if what == "tile" or status == 200 else f"{what} {status}"] += 1

    def once(self, phase):
        prefix, width, height, tile, _ = self.random.choice(self.images)
        x = self.random.randrange(max(width // tile - 1, 1)) * tile
        y = self.random.randrange(max(height // tile - 1, 1)) * tile
        # Every second tile does not lie in the stored grid and must be rendered.
        shift = tile // 2 if self.random.random() < 0.5 else 0
        self.get("tile", phase, f"{prefix}/{x + shift},{y + shift},{tile},{tile}/{tile},/0/default.jpg")
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


def disturb(address, images, numbers, stop, results):
    """So many clients who ask for whole images."""
    os.nice(10)
    statuses, retry_after = collections.Counter(), []

    def heavy(number):
        rnd, client = random.Random(number), Client(address)
        while not stop.is_set():
            prefix, width, _, _, _ = rnd.choice(images)
            # Different qualities, so that not all of them join one computation.
            quality = rnd.choice(["default.jpg", "gray.jpg", "default.png", "default.webp", "bitonal.png", "default.tif"])
            rotation = rnd.choice(["0", "0", "90", "!0", "22.5"])
            size = rnd.choice(["max", "max", "max", f"{width // 2},", f"{width // 3},"])
            try:
                status, _, headers = client.get(f"{prefix}/full/{size}/{rotation}/{quality}")
                statuses[status] += 1
                if status == 503:
                    retry_after.append(int(headers.get("Retry-After", "0")))
                    # Ten times more would only measure this program.
                    time.sleep(0.2)
            except (OSError, http.client.HTTPException) as error:
                if not stop.is_set():
                    statuses[type(error).__name__] += 1

    for number in numbers:
        threading.Thread(target=heavy, args=(number,), daemon=True).start()
    stop.wait()
    results.put((collections.Counter(statuses), list(retry_after)))


if __name__ == "__main__":
    sys.exit(main())
