#!/usr/bin/env python3
"""Steady: resident memory after 10,000 and after 100,000 mixed requests. A server that leaks has more after more.

    bench/steady.py --recto target/release/recto --library FOLDER [--first 10000] [--last 100000] [--clients 8]

Tiles at all levels, thumbnails, info.json, manifests, things that are not there and requests that are wrong; with small caches, so
that these are full before the first reading. Python 3, standard library only. Prints a reading after each so many as the first took;
exit 0 when first and last differ by a twentieth at most, 1 when by more, 2 when it could not be tried.
"""
import argparse
import collections
import importlib.util
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("overload", os.path.join(here, "overload.py"))
overload = importlib.util.module_from_spec(spec)
spec.loader.exec_module(overload)


def rest(client):
    """Waits until the work is done that nobody waits for, and until the server has given back what it kept for more."""
    while any(overload.metrics(client).get(f"recto_work_background_{what}") for what in ("waiting", "running")):
        time.sleep(0.2)
    time.sleep(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--last", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--set", action="append", default=[])
    a = parser.parse_args()
    work = tempfile.mkdtemp(prefix="recto-steady-")
    options = ["work.memory=256 MiB", "work.memo=8 MiB", "cache.max_memory=8 MiB", "cache.max_disk=64 MiB",
               "server.recent_memory=256 KiB", *a.set]
    server, address = overload.start(a.recto, os.path.abspath(a.library), os.path.join(work, "state"), options)
    if not server:
        return 2
    client = overload.Client(address)
    images = []
    for folder, _, names in os.walk(a.library):
        for name in sorted(names):
            identifier = os.path.relpath(os.path.join(folder, name), a.library)
            prefix = "/iiif/3/" + urllib.parse.quote(identifier, safe="")
            status, body, _ = client.get(prefix + "/info.json")
            if status == 200:
                info = json.loads(body)
                images.append((prefix, info["width"], info["height"], info["tiles"][0]["width"]))
            if len(images) >= 300:
                break
    if not images:
        print("the library has no image", file=sys.stderr)
        server.kill()
        return 2
    statuses = collections.Counter()
    lock, done = threading.Lock(), [0]

    def path(rnd):
        prefix, width, height, tile = rnd.choice(images)
        kind = rnd.random()
        if kind < 0.70:
            scale = 2 ** rnd.randrange(5)
            side = tile * scale
            x, y = rnd.randrange(0, width, side), rnd.randrange(0, height, side)
            w, h = min(side, width - x), min(side, height - y)
            return f"{prefix}/{x},{y},{w},{h}/{-(-w // scale)},{-(-h // scale)}/0/default.jpg"
        if kind < 0.80:
            return f"{prefix}/full/!{rnd.randrange(50, 400)},400/0/default.{rnd.choice(['jpg', 'png', 'webp'])}"
        if kind < 0.92:
            return f"{prefix}/info.json"
        if kind < 0.94:
            return "/"
        if kind < 0.97:
            return f"/iiif/3/none-{rnd.randrange(1000)}.tif/info.json"
        return f"{prefix}/full/{rnd.randrange(10**9)}x/0/default.jpg"

    def ask(number, until):
        rnd, client = random.Random(number * 1_000_003 + until), overload.Client(address)
        while True:
            with lock:
                if done[0] >= until:
                    return
                done[0] += 1
            status, _, _ = client.get(path(rnd))
            with lock:
                statuses[status] += 1

    readings = []
    for until in [*range(a.first, a.last, a.first), a.last]:
        threads = [threading.Thread(target=ask, args=(n, until)) for n in range(a.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rest(client)
        readings.append(overload.rss_mib(server.pid))
        files = overload.rss_mib(server.pid, "RssFile")
        print(f"RSS after {until} requests: {readings[-1]:.1f} MiB, of which mapped files {files:.1f}", flush=True)
    print(f"peak {overload.rss_mib(server.pid, 'VmHWM'):.1f} MiB, statuses {dict(statuses)}")
    server.terminate()
    server.wait(60)
    shutil.rmtree(work, ignore_errors=True)
    held = abs(readings[-1] - readings[0]) <= readings[0] * 0.05
    print("ok  " if held else "FAIL", f"{readings[0]:.1f} MiB, then {readings[-1]:.1f} MiB")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
