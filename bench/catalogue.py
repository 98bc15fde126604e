#!/usr/bin/env python3
"""A library of many objects: how fast it is catalogued, looked at again, and served, and what memory that takes.

Makes the library itself (hard links of a few small pictures), serves it with `recto serve`, and prints what was measured.

    bench/catalogue.py --recto target/release/recto --objects 10000 --pages 50 --large 20
"""

import argparse
import json
import os
import re
import struct
import subprocess
import tempfile
import time
import urllib.request
import zlib


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make(folder, objects, pages, large):
    """So many objects in folders of a hundred; of the last ones, `large` have 500 pages."""
    base = os.path.join(folder, ".base")
    os.makedirs(base)
    count, made = 0, 0
    source = None
    for number in range(objects + large):
        place = os.path.join(folder, f"shelf{number // 100:03}", f"book{number:05}")
        os.makedirs(place)
        for page in range(500 if number >= objects else pages):
            # A file can have some tens of thousands of names.
            if made % 30_000 == 0:
                source = os.path.join(base, f"{made}.png")
                with open(source, "wb") as file:
                    file.write(png(300, 400))
            os.link(source, os.path.join(place, f"{page + 1:03}.png"))
            made += 1
            count += 1
        with open(os.path.join(place, "recto.yml"), "w") as file:
            file.write(f"label: Book {number}\nmetadata:\n  - {{Author: Somebody {number}}}\n")
    return count


class Server:
    def __init__(self, recto, folder, state):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [recto, "serve", folder, "--listen", "127.0.0.1:0", "--state", state],
            stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"listening on (\S+)", line)
            if found:
                self.base = "http://" + found.group(1)
                break
        self.ready_after = time.monotonic() - began
        os.set_blocking(self.process.stderr.fileno(), False)

    def get(self, path):
        began = time.monotonic()
        with urllib.request.urlopen(self.base + path) as answer:
            body = answer.read()
        return body, (time.monotonic() - began) * 1000

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_log(self):
        try:
            while line := self.process.stderr.readline():
                self.log.append(line)
        except (BlockingIOError, TypeError):
            pass
        return "".join(self.log)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--recto", required=True)
    arguments.add_argument("--objects", type=int, default=10_000)
    arguments.add_argument("--pages", type=int, default=50)
    arguments.add_argument("--large", type=int, default=20)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library, state = os.path.join(folder, "library"), os.path.join(folder, "state")
        os.makedirs(library)
        began = time.monotonic()
        pages = make(library, given.objects, given.pages, given.large)
        print(f"library: {given.objects + given.large} objects, {pages} pages, made in {time.monotonic() - began:.0f} s")
        server = Server(given.recto, library, state)
        while not (found := re.search(r"brought up to date.*seconds=([0-9.]+)", server.read_log())):
            time.sleep(0.2)
        seconds = float(found.group(1))
        print(f"catalogued: {seconds:.1f} s, {pages / seconds:.0f} pages/s; resident {server.memory_mb():.0f} MB")
        # Looking into the files goes on until the processor is left alone.
        began, last = time.monotonic(), server.cpu_seconds()
        while True:
            time.sleep(3)
            now = server.cpu_seconds()
            if now - last < 0.2:
                break
            last = now
        print(f"looked into all files: {time.monotonic() - began:.0f} s; resident {server.memory_mb():.0f} MB")
        server.stop()
        server = Server(given.recto, library, state)
        print(f"started again, nothing changed: ready after {server.ready_after:.1f} s; resident {server.memory_mb():.0f} MB")
        large = [f"shelf{n // 100:03}%2Fbook{n:05}" for n in range(given.objects, given.objects + given.large)]
        cold, warm = [], []
        for name in large:
            path = f"/iiif/presentation/3/{name}/manifest"
            body, took = server.get(path)
            cold.append(took)
            assert len(json.loads(body)["items"]) == 500
            warm += [server.get(path)[1] for _ in range(5)]
        print(f"manifest of 500 canvases: cold median {median(cold):.1f} ms, worst {max(cold):.1f}; "
              f"warm median {median(warm):.2f} ms, worst {max(warm):.2f}; resident {server.memory_mb():.0f} MB")
        server.stop()


if __name__ == "__main__":
    main()
