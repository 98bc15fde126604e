#!/usr/bin/env python3
"""Overload: many clients ask for whole large images at once, again and again, while one client keeps asking for tiles.

D1: the server stays within its memory, is never killed, answers nothing but 200, 413 and 503, and tiles keep flowing.
D2: meanwhile a tile that is cached and `info.json` are answered hardly later than when nothing else goes on. Reported, not judged.

Python 3, standard library only.

    bench/overload.py --recto target/release/recto --corpus FOLDER [--seconds 60] [--clients 200] [--memory-mib 1024]
    bench/overload.py --recto target/release/recto --image BIG.tif [--seconds 30] [--clients 64]

FOLDER holds large images (JPEG 2000, TIFF, progressive JPEG); all files in it are used that the server reads and that have
at least --least-megapixels.

The bound: resident memory is watched every 20 ms; there is no control group to kill the server.
Exit 0 when all of D1 held, 1 when something did not, 2 when it could not be tried.
"""
import argparse
import collections
import http.client
import json
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

    stop = threading.Event()
    peak = [0.0]
    statuses, tile_statuses = collections.Counter(), collections.Counter()
    times = collections.defaultdict(list)
    retry_after = []

    def one_tile(client, rnd, seconds, counter):
        prefix, width, height, tile, _ = rnd.choice(images)
        x, y = rnd.randrange(max(width // tile - 1, 1)) * tile, rnd.randrange(max(height // tile - 1, 1)) * tile
        # Every second tile does not lie in the stored grid and must be rendered.
        shift = tile // 2 if rnd.random() < 0.5 else 0
        began = time.monotonic()
        status, _, _ = client.get(f"{prefix}/{x + shift},{y + shift},{tile},{tile}/{tile},/0/default.jpg")
        seconds.append(time.monotonic() - began)
        counter[status] += 1

    prefix, width, height, tile, _ = images[0]
    cached = f"{prefix}/{tile // 2},{tile // 2},{min(tile, width // 2)},{min(tile, height // 2)}/max/0/default.jpg"

    def cheap(client, phase):
        for what, path in (("cached tile", cached), ("info.json", prefix + "/info.json")):
            began = time.monotonic()
            status, _, _ = client.get(path)
            times[what, phase].append(time.monotonic() - began)
            if status != 200:
                tile_statuses[f"{what} {status}"] += 1

    rnd = random.Random(1)
    idle = collections.Counter()
    client.get(cached)
    for _ in range(200):
        one_tile(client, rnd, times["tile", "idle"], idle)
        cheap(client, "idle")

    def heavy(number):
        rnd, client = random.Random(number), Client(address)
        while not stop.is_set():
            prefix, width, height, tile, _ = rnd.choice(images)
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

    def tiles():
        rnd, client = random.Random(99), Client(address)
        while not stop.is_set():
            try:
                one_tile(client, rnd, times["tile", "busy"], tile_statuses)
            except (OSError, http.client.HTTPException) as error:
                if not stop.is_set():
                    tile_statuses[type(error).__name__] += 1

    def cheap_ones():
        client = Client(address)
        while not stop.is_set():
            try:
                cheap(client, "busy")
                time.sleep(0.01)
            except (OSError, http.client.HTTPException) as error:
                if not stop.is_set():
                    tile_statuses[type(error).__name__] += 1

    def watch():
        while not stop.is_set() and server.poll() is None:
            peak[0] = max(peak[0], rss_mib(server.pid))
            time.sleep(0.02)

    threads = [threading.Thread(target=heavy, args=(n,), daemon=True) for n in range(a.clients)]
    threads += [threading.Thread(target=what, daemon=True) for what in (tiles, cheap_ones, watch)]
    for thread in threads:
        thread.start()
    time.sleep(a.seconds)
    alive = server.poll() is None
    counted = metrics(Client(address)) if alive else {}
    stop.set()
    server.terminate()
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
    shutil.rmtree(work, ignore_errors=True)

    for what in ("tile", "cached tile", "info.json"):
        before, during = times[what, "idle"], times[what, "busy"]
        print(f"D2 {what}: idle p50 {quantile(before, .5):.2f} p95 {quantile(before, .95):.2f} p99 {quantile(before, .99):.2f} ms; "
              f"busy p50 {quantile(during, .5):.2f} p95 {quantile(during, .95):.2f} p99 {quantile(during, .99):.2f} ms, n={len(during)}")
    if retry_after:
        print(f"Retry-After: {min(retry_after)} to {max(retry_after)} s, median {statistics.median(retry_after):.0f} s")
    for name in ("recto_work_verdicts_busy_total", "recto_work_verdicts_too_large_total", "recto_work_expired_total",
                 "recto_work_given_up_total", "recto_renders_total"):
        print(f"{name} {counted.get(name, float('nan')):.0f}")
    seconds = times["tile", "busy"]
    checks = {
        "D1 the server was never killed": alive,
        f"D1 peak RSS {peak[0]:.0f} MiB is within {a.memory_mib} MiB + 15 %": peak[0] <= a.memory_mib * 1.15,
        f"D1 whole images: only 200, 413, 503: {dict(statuses)}": set(statuses) <= {200, 413, 503} and bool(statuses),
        f"D1 tiles: only 200, 413, 503: {dict(tile_statuses)}": set(tile_statuses) <= {200, 413, 503},
        f"D1 tiles keep flowing: {len(seconds) / a.seconds:.1f} a second": len(seconds) >= a.seconds / 4,
    }
    for text, held in checks.items():
        print("ok  " if held else "FAIL", text)
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
