#!/usr/bin/env python3
"""Steady: resident memory after 10,000 and after 100,000 mixed requests. A server that leaks has more after more.

    bench/steady.py --recto target/release/recto --library FOLDER [--first 10000] [--last 100000] [--clients 8]

Tiles at all levels, regions aligned to nothing, thumbnails in every format, info.json, manifests, things that are not there and requests
that are wrong; with small caches, so that these are full before the first reading. FOLDER has images, and folders of images, which have
manifests. Python 3, standard library only. Prints a reading after each so many as the first took.

What must hold: first and last reading differ by a twentieth at most; nine in ten requests are answered 200, the others 404 and 400, where
these are right; nobody who asks fails. Exit 0 when all held, 1 when something did not, 2 when it could not be tried.
"""
import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

from serving import Client, rest, rss_mib, start, stop

MOST_IMAGES, MOST_MANIFESTS = 300, 100
# Kinds of requests, how many of a hundred, and what they are to be answered.
MIX = {"tile": (55, 200), "region": (12, 200), "thumbnail": (10, 200), "other format": (3, 200), "info": (8, 200), "manifest": (5, 200),
       "page": (1, 200), "none": (3, 404), "wrong": (3, 400)}


def find_images(client, library):
    images = []
    for folder, _, names in os.walk(library):
        for name in sorted(names):
            identifier = os.path.relpath(os.path.join(folder, name), library)
            prefix = "/iiif/3/" + urllib.parse.quote(identifier, safe="")
            status, body, _ = client.get(prefix + "/info.json")
            if status == 200:
                info = json.loads(body)
                formats = info.get("extraFormats", [])
                images.append((prefix, info["width"], info["height"], info["tiles"][0]["width"], formats))
            if len(images) >= MOST_IMAGES:
                return images
    return images


def find_manifests(client, seconds=60):
    """Paths of manifests, from the collection of everything on; waits until there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, waiting = [], ["/iiif/presentation/3/library/collection", "/iiif/presentation/3/library/manifest"]
        while waiting and len(found) < MOST_MANIFESTS:
            path = waiting.pop(0)
            status, body, _ = client.get(path)
            if status != 200:
                continue
            document = json.loads(body)
            if document["type"] == "Manifest":
                found.append(path)
            else:
                waiting += [urllib.parse.urlsplit(item["id"]).path for item in document.get("items", [])]
        if found:
            return found
        time.sleep(1)
    return []


def path_of(kind, rnd, images, manifests):
    prefix, width, height, tile, formats = rnd.choice(images)
    if kind == "tile":
        scale = 2 ** rnd.randrange(5)
        side = tile * scale
        x, y = rnd.randrange(0, width, side), rnd.randrange(0, height, side)
        w, h = min(side, width - x), min(side, height - y)
        return f"{prefix}/{x},{y},{w},{h}/{-(-w // scale)},{-(-h // scale)}/0/default.jpg"
    if kind == "region":
        w, h = (rnd.randint(max(most // 8, 1), most) for most in (min(width, 3000), min(height, 3000)))
        x, y = rnd.randint(0, width - w), rnd.randint(0, height - h)
        return f"{prefix}/{x},{y},{w},{h}/!{rnd.randint(100, 500)},500/{rnd.choice(['0', '0', '90', '!0'])}/default.jpg"
    if kind == "thumbnail":
        return f"{prefix}/full/!{rnd.randrange(50, 400)},400/0/default.{rnd.choice(['jpg', 'png', 'webp'])}"
    if kind == "other format":
        return f"{prefix}/full/!{rnd.randrange(50, 200)},200/0/{rnd.choice(['default', 'gray'])}.{rnd.choice(formats or ['jpg'])}"
    if kind == "info":
        return f"{prefix}/info.json"
    if kind == "manifest":
        return rnd.choice(manifests)
    if kind == "page":
        return "/"
    if kind == "none":
        return f"/iiif/3/none-{rnd.randrange(1000)}.tif/info.json"
    return f"{prefix}/full/{rnd.randrange(10**9)}x/0/default.jpg"


class Clients:
    """Threads that ask, and what they were answered: by kind and status, failures of their own as the name of the error."""

    def __init__(self, address, images, manifests):
        self.address, self.images, self.manifests = address, images, manifests
        self.lock, self.done, self.answers = threading.Lock(), 0, collections.Counter()

    def ask(self, number, until):
        rnd, client = random.Random(number * 1_000_003 + until), Client(self.address)
        kinds, shares = list(MIX), [share for share, _ in MIX.values()]
        while True:
            with self.lock:
                if self.done >= until:
                    return
                self.done += 1
            kind = rnd.choices(kinds, shares)[0]
            try:
                status = client.get(path_of(kind, rnd, self.images, self.manifests), keep=False)[0]
            except Exception as error:
                status = type(error).__name__
            with self.lock:
                self.answers[kind, status] += 1

    def go_on(self, count, until):
        threads = [threading.Thread(target=self.ask, args=(number, until)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def judge(readings, answers):
    held = abs(readings[-1] - readings[0]) <= readings[0] * 0.05
    yield held, f"{readings[0]:.1f} MiB, then {readings[-1]:.1f} MiB, a twentieth more or less"
    total = sum(answers.values())
    right = sum(count for (_, status), count in answers.items() if status == 200)
    yield right >= total * 0.9, f"{right} of {total} answered 200, nine in ten at least"
    wrong = {f"{kind}: {status}": count for (kind, status), count in sorted(answers.items(), key=str) if status != MIX[kind][1]}
    yield not wrong, f"every kind of request is answered as it must be, but for {wrong or 'none'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--last", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--set", action="append", default=[])
    a = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = tempfile.mkdtemp(prefix="recto-steady-")
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        options = ["work.memory=256 MiB", "work.memo=8 MiB", "cache.max_memory=8 MiB", "cache.max_disk=64 MiB",
                   "server.recent_memory=256 KiB", "library.identifier=library", *a.set]
        server, address = start(a.recto, os.path.abspath(a.library), os.path.join(work, "state"), options)
        if not server:
            return 2
        stack.callback(stop, server)
        client = Client(address)
        images, manifests = find_images(client, a.library), find_manifests(client)
        if not images or not manifests:
            print(f"the library has {len(images)} images and {len(manifests)} manifests; some of both are needed", file=sys.stderr)
            return 2
        clients, readings = Clients(address, images, manifests), []
        for until in [*range(a.first, a.last, a.first), a.last]:
            clients.go_on(a.clients, until)
            if server.poll() is not None:
                print(f"FAIL the server ended ({server.returncode}) before {until} requests")
                return 1
            rest(client)
            # Until the server has given back what it kept for more.
            time.sleep(2)
            readings.append(rss_mib(server.pid))
            files = rss_mib(server.pid, "RssFile")
            print(f"RSS after {until} requests: {readings[-1]:.1f} MiB, of which mapped files {files:.1f}", flush=True)
        by_status = collections.Counter()
        for (_, status), count in clients.answers.items():
            by_status[status] += count
        print(f"peak {rss_mib(server.pid, 'VmHWM'):.1f} MiB, statuses {dict(by_status)}")
        held = list(judge(readings, clients.answers))
        for holds, text in held:
            print("ok  " if holds else "FAIL", text)
        return 0 if all(holds for holds, _ in held) else 1


if __name__ == "__main__":
    sys.exit(main())
