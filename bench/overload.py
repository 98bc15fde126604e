#!/usr/bin/env python3
"""Overload: 64 clients ask for the whole of a 300-megapixel image at once, again and again, while one client keeps asking for tiles.

Shows that the server stays within its memory, is never killed, answers nothing but 200, 413 and 503, and that tiles keep flowing.
Python 3, standard library only.

    bench/overload.py --recto target/release/recto --image BIG.tif [--seconds 30] [--clients 64] [--budget-mib 1024]

Exit 0 when all of it held, 1 when something did not, 2 when it could not be tried.
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


def rss_mib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) / 1024


def get(address, path, timeout=180):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        length = 0
        while chunk := answer.read(1 << 16):
            length += len(chunk)
        return answer.status, length
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--image", required=True, help="a pyramidal TIFF of about 300 megapixels")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--budget-mib", type=int, default=1024)
    a = parser.parse_args()
    work = tempfile.mkdtemp(prefix="recto-overload-")
    library = os.path.join(work, "library")
    os.mkdir(library)
    name = "big" + os.path.splitext(a.image)[1]
    os.symlink(os.path.abspath(a.image), os.path.join(library, name))
    # One budget: a quarter for derivatives in memory, the rest for pixels at work.
    command = [a.recto, "serve", library, "--listen", "127.0.0.1:0", "--state", os.path.join(work, "state"),
               "--set", "source.symlinks=follow", "--set", f"work.memory={a.budget_mib * 3 // 4} MiB",
               "--set", f"cache.max_memory={a.budget_mib // 8} MiB"]
    log = open(os.path.join(work, "log"), "w+")
    server = subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL)
    address = None
    for _ in range(200):
        found = re.search(r"listening on (\S+)", open(log.name).read())
        if found:
            address = found.group(1)
            break
        time.sleep(0.05)
    if not address:
        print(open(log.name).read(), file=sys.stderr)
        return 2
    prefix = f"/iiif/3/{name}"
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("GET", prefix + "/info.json")
    info = json.loads(connection.getresponse().read())
    width, height, tile = info["width"], info["height"], info["tiles"][0]["width"]

    statuses, tile_statuses, tile_seconds, idle_seconds = collections.Counter(), collections.Counter(), [], []
    peak = [0.0]
    stop = threading.Event()

    def one_tile(rnd, seconds, counter):
        x, y = rnd.randrange(width // tile - 1) * tile, rnd.randrange(height // tile - 1) * tile
        # Every second tile does not lie in the stored grid and must be rendered.
        shift = tile // 2 if rnd.random() < 0.5 else 0
        began = time.monotonic()
        status, _ = get(address, f"{prefix}/{x + shift},{y + shift},{tile},{tile}/{tile},{tile}/0/default.jpg")
        seconds.append(time.monotonic() - began)
        counter[status] += 1

    rnd = random.Random(1)
    idle = collections.Counter()
    for _ in range(200):
        one_tile(rnd, idle_seconds, idle)

    def heavy(number):
        rnd = random.Random(number)
        while not stop.is_set():
            # Different qualities, so that not all of them join one computation.
            quality = rnd.choice(["default.jpg", "gray.jpg", "color.png", "default.webp", "bitonal.png", "default.tif"])
            rotation = rnd.choice(["0", "0", "90", "!0", "22.5"])
            try:
                status, _ = get(address, f"{prefix}/full/max/{rotation}/{quality}")
                statuses[status] += 1
            except (OSError, http.client.HTTPException) as error:
                if not stop.is_set():
                    statuses[type(error).__name__] += 1

    def tiles():
        rnd = random.Random(99)
        while not stop.is_set():
            try:
                one_tile(rnd, tile_seconds, tile_statuses)
            except (OSError, http.client.HTTPException) as error:
                if not stop.is_set():
                    tile_statuses[type(error).__name__] += 1

    def watch():
        while not stop.is_set() and server.poll() is None:
            peak[0] = max(peak[0], rss_mib(server.pid))
            time.sleep(0.05)

    threads = [threading.Thread(target=heavy, args=(n,), daemon=True) for n in range(a.clients)]
    threads += [threading.Thread(target=tiles, daemon=True), threading.Thread(target=watch, daemon=True)]
    for thread in threads:
        thread.start()
    time.sleep(a.seconds)
    alive = server.poll() is None
    stop.set()
    server.terminate()
    try:
        server.wait(40)
    except subprocess.TimeoutExpired:
        server.kill()
    shutil.rmtree(work, ignore_errors=True)

    def p95(seconds):
        return statistics.quantiles(seconds, n=20)[18] * 1000 if len(seconds) > 1 else float("nan")

    allowed = {200, 413, 503}
    checks = {
        "the server was never killed": alive,
        f"peak RSS {peak[0]:.0f} MiB is within {a.budget_mib} MiB + 15 %": peak[0] <= a.budget_mib * 1.15,
        f"whole images: only 200, 413, 503: {dict(statuses)}": set(statuses) <= allowed and bool(statuses),
        f"tiles: all 200: {dict(tile_statuses)}": set(tile_statuses) == {200},
        f"tiles keep flowing: {len(tile_seconds) / a.seconds:.0f} a second, p95 {p95(tile_seconds):.1f} ms (idle {p95(idle_seconds):.1f} ms)":
            len(tile_seconds) >= a.seconds,
    }
    for text, held in checks.items():
        print("ok  " if held else "FAIL", text)
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
