#!/usr/bin/env python3
"""Mutations: a server whose library is full of damaged files (D3).

    RECTO=target/release/recto bench/mutations.py SEEDS [--files 10000] [--seed 1] [--seconds 2] [--memory-mib 512]

SEEDS is a folder of sound files; those of the wanted formats that are at most --most-kib large are damaged: cut, flipped, overwritten,
numbers made huge, pieces moved. The same seed makes the same files. Each is asked for its info.json and for a small picture of all of
it; in between, sound files are asked for regions of them and must look as they did at first.

What must hold: every answer within the seconds (one that is not is asked for again, alone, and without the time in which the server
only waited for a processor), and whole; 200 with an image or JSON, else 4xx or 5xx with a JSON body that says what is
wrong; sound files served right; the same process at the end; resident memory within what the server was given.

Files are made and removed in batches. Those that broke a rule are kept with --keep FOLDER. Python 3, standard library only. Exit 0 when
all held, 1 when something did not, 2 when it could not be tried.
"""
import argparse
import collections
import hashlib
import http.client
import importlib.util
import json
import os
import random
import re
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

ENDINGS = {"jp2": (".jp2", ".j2k", ".jpx"), "tiff": (".tif", ".tiff"), "jpeg": (".jpg", ".jpeg"), "png": (".png",), "webp": (".webp",),
           "gif": (".gif",), "avif": (".avif",), "heic": (".heic",), "jxl": (".jxl",), "bmp": (".bmp",), "pdf": (".pdf",), "svg": (".svg",),
           "exr": (".exr",), "dicom": (".dcm",)}
# Long before a request that hangs is given up: it is measured, and no rule is broken by waiting for it.
PATIENCE = 60
HUGE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(file, chance):
    """The file with one to four kinds of damage, half of it near the beginning, where the numbers are."""
    file = bytearray(file)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        size = max(len(file), 1)
        at = chance.randrange(min(size, 1024)) if chance.random() < 0.5 else chance.randrange(size)
        kind = chance.randrange(9)
        if kind == 0:
            del file[max(at, 1):]
        elif kind == 1:
            for place in [at] + [chance.randrange(size) for _ in range(chance.randrange(8))]:
                if place < len(file):
                    file[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            file[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 3:
            length = min(chance.randrange(1, 64), size - at)
            file[at:at + length] = bytes([chance.choice((0, 0xFF))]) * length
        elif kind == 4:
            length = chance.choice((2, 4, 8))
            number = chance.choice(HUGE) + chance.choice((0, 0, 1, -1))
            file[at:at + length] = (number % (1 << 8 * length)).to_bytes(length, chance.choice(("big", "little")))
        elif kind == 5:
            begin = chance.randrange(size)
            file[at:at] = file[begin:begin + chance.randrange(1, 400)]
        elif kind == 6:
            del file[at:at + chance.randrange(1, 64)]
        elif kind == 7:
            length = min(chance.randrange(1, 4096), size - at)
            file[at:at + length] = chance.randbytes(length)
        else:
            other = chance.randrange(size)
            length = chance.randrange(1, 64)
            one, two = file[at:at + length], file[other:other + length]
            file[at:at + len(two)], file[other:other + len(one)] = two, one
    return bytes(file) or b"\0"


class Judge:
    """What went wrong, and how often what was answered."""

    def __init__(self, keep):
        self.lock, self.keep = threading.Lock(), keep
        self.wrong, self.statuses, self.slowest = [], collections.Counter(), []
        # Answers to ask for again.
        self.slow = []

    def broken(self, what, path, file=None):
        with self.lock:
            self.wrong.append(f"{what}: {path}")
            print(f"  {what}: {path}", flush=True)
            if self.keep and file and os.path.exists(file):
                os.makedirs(self.keep, exist_ok=True)
                shutil.copy(file, self.keep)

    def took(self, seconds, path):
        with self.lock:
            self.slowest = sorted([*self.slowest, (seconds, path)], reverse=True)[:5]


def get(client, path):
    """Status, body and type; an exception where no whole answer came. Asks for problems as JSON."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Accept": "application/problem+json, image/*, */*"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Type", "")
    finally:
        connection.close()


def waited(*processes):
    """Seconds for which threads of these were ready to run and did not, since other programs ran."""
    total = 0
    for process in processes:
        for thread in os.listdir(f"/proc/{process}/task"):
            try:
                with open(f"/proc/{process}/task/{thread}/schedstat") as counts:
                    total += int(counts.read().split()[1])
            except OSError:
                pass
    return total / 1e9


def worked(process):
    """Processor time of a process and its children that ended, in seconds."""
    with open(f"/proc/{process}/stat") as stat:
        times = stat.read().rsplit(")", 1)[1].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def again(client, path, server):
    """What an answer takes when nothing else is asked: the least of three, each of another width, since answers are kept."""
    least = PATIENCE
    for less in (1, 2, 3):
        before, used, began = waited(server.pid, os.getpid()), worked(server.pid), time.monotonic()
        try:
            get(client, re.sub(r"/\^(\d+),/", lambda width: f"/^{int(width[1]) - less},/", path))
        except (http.client.HTTPException, OSError):
            pass
        took = time.monotonic() - began
        # Threads that had nothing to do with it may have waited as well: at least it took what it used.
        running = max(took - (waited(server.pid, os.getpid()) - before), worked(server.pid) - used)
        least = min(least, took, running)
    return least


def judge(client, path, file, most_seconds, seen):
    began = time.monotonic()
    try:
        status, body, kind = get(client, path)
    except (http.client.HTTPException, OSError) as error:
        seen.broken(f"no whole answer ({type(error).__name__}: {error})", path, file)
        return
    seconds = time.monotonic() - began
    seen.took(seconds, path)
    with seen.lock:
        seen.statuses[status] += 1
    if seconds > most_seconds:
        with seen.lock:
            seen.slow.append((seconds, path, file))
    if status == 200:
        whole = body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9" if path.endswith(".jpg") else described(body)
        if not whole:
            seen.broken(f"200 with {len(body)} bytes of {kind} that are not what was asked for", path, file)
    elif not 400 <= status <= 599:
        seen.broken(f"status {status}", path, file)
    elif "json" not in kind or not problem(body):
        seen.broken(f"{status} without a problem in JSON ({kind}: {body[:80]!r})", path, file)


def parsed(body):
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def described(body):
    info = parsed(body)
    return info.get("type") == "ImageService3" and info.get("width", 0) > 0 and info.get("height", 0) > 0


def problem(body):
    told = parsed(body)
    return bool(told.get("title")) and bool(told.get("detail"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first file, to repeat a part")
    parser.add_argument("--formats", default="jp2,tiff,jpeg,png,webp,gif")
    parser.add_argument("--most-kib", type=int, default=512)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--memory-mib", type=int, default=512)
    parser.add_argument("--keep", help="a folder for the files that broke a rule")
    parser.add_argument("--set", action="append", default=[], help="a further option of the server, `section.key=value`")
    a = parser.parse_args()
    recto = os.environ.get("RECTO")
    if not recto:
        parser.error("name the program in RECTO")
    seeds = collections.defaultdict(list)
    for folder, _, names in sorted(os.walk(a.seeds)):
        for path in sorted(os.path.join(folder, name) for name in names):
            for form in a.formats.split(","):
                if path.lower().endswith(ENDINGS[form]) and os.path.getsize(path) <= a.most_kib << 10:
                    seeds[form].append(path)
    forms = sorted(seeds)
    if not forms:
        print(f"{a.seeds} holds no file of these formats", file=sys.stderr)
        return 2
    print("seeds: " + ", ".join(f"{len(seeds[form])} {form}" for form in forms))

    work = tempfile.mkdtemp(prefix="recto-mutations-")
    library = os.path.join(work, "library")
    os.makedirs(os.path.join(library, "sound"))
    # As in overload.py: half for pixels at work, an eighth each for decoders' parts and derivatives, the rest for the program.
    options = [f"work.memory={a.memory_mib // 2} MiB", f"work.memo={a.memory_mib // 8} MiB",
               f"cache.max_memory={a.memory_mib // 8} MiB", "cache.max_disk=64 MiB", *a.set]
    server, address = overload.start(recto, library, os.path.join(work, "state"), options)
    if not server:
        return 2
    client = overload.Client(address)
    try:
        return run(a, seeds, forms, work, library, server, client)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(work)


def run(a, seeds, forms, work, library, server, client):
    seen = Judge(a.keep)
    # Sound files: one of each format that is served, some regions of each.
    sound, turn = {}, [0]
    for form in forms:
        for seed in seeds[form]:
            name = "sound/" + form + os.path.splitext(seed)[1].lower()
            shutil.copy(seed, os.path.join(library, name))
            prefix = "/iiif/3/" + urllib.parse.quote(name, safe="")
            status, body, _ = get(client, prefix + "/info.json")
            if status == 200:
                info = json.loads(body)
                for x in range(8):
                    region = f"{x},{x},{max(info['width'] // 2, 1)},{max(info['height'] // 2, 1)}"
                    path = f"{prefix}/{region}/^64,/0/default.png"
                    status, body, _ = get(client, path)
                    if status == 200:
                        sound[path] = hashlib.sha256(body).hexdigest()
                break
    paths = sorted(sound)
    if not paths:
        print("no seed is served", file=sys.stderr)
        return 2
    random.Random(a.seed).shuffle(paths)
    sources = {}

    def sound_one():
        with seen.lock:
            turn[0] += 1
            path = paths[turn[0] % len(paths)]
        began = time.monotonic()
        try:
            status, body, _ = get(client, path)
        except (http.client.HTTPException, OSError) as error:
            seen.broken(f"a sound file: {type(error).__name__}", path)
            return
        if status != 200 or hashlib.sha256(body).hexdigest() != sound[path]:
            seen.broken(f"a sound file: {status}, {len(body)} bytes, not as at first", path)
        if time.monotonic() - began > a.seconds:
            with seen.lock:
                seen.slow.append((time.monotonic() - began, path, None))

    began, peak = time.monotonic(), 0.0
    for start in range(a.first, a.first + a.files, a.batch):
        numbers = list(range(start, min(start + a.batch, a.first + a.files)))
        folder = os.path.join(library, f"batch-{start}")
        os.mkdir(folder)
        names = []
        for number in numbers:
            chance = random.Random(f"{a.seed} {number}")
            seed = chance.choice(seeds[forms[number % len(forms)]])
            if seed not in sources:
                sources[seed] = open(seed, "rb").read()
            name = f"{number}-{os.path.splitext(os.path.basename(seed))[0]}{os.path.splitext(seed)[1]}"
            with open(os.path.join(folder, name), "wb") as out:
                out.write(damaged(sources[seed], chance))
            names.append(name)
        waiting = list(reversed(names))

        def ask():
            while True:
                with seen.lock:
                    if not waiting:
                        return
                    name = waiting.pop()
                    good = len(waiting) % 10 == 0
                prefix = "/iiif/3/" + urllib.parse.quote(f"batch-{start}/{name}", safe="")
                file = os.path.join(folder, name)
                judge(client, prefix + "/info.json", file, a.seconds, seen)
                judge(client, prefix + "/full/^200,/0/default.jpg", file, a.seconds, seen)
                if good:
                    sound_one()

        threads = [threading.Thread(target=ask) for _ in range(a.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for seconds, path, file in seen.slow:
            alone = again(client, path, server)
            print(f"  {seconds:.1f} s among others, {alone:.2f} s alone: {path}", flush=True)
            if alone > a.seconds:
                seen.broken(f"took {alone:.1f} s", path, file)
        seen.slow.clear()
        shutil.rmtree(folder)
        if server.poll() is not None:
            print(f"the server ended ({server.returncode}) in the batch that begins with file {start}:", file=sys.stderr)
            print("".join(open(os.path.join(work, "log")).readlines()[-30:]), file=sys.stderr)
            return 1
        peak = overload.rss_mib(server.pid, "VmHWM")
        if (start - a.first) // a.batch % 10 == 9:
            print(f"  {numbers[-1] + 1 - a.first} files, {time.monotonic() - began:.0f} s, peak {peak:.0f} MiB", flush=True)

    panics = sum("panick" in line for line in open(os.path.join(work, "log")))
    print(f"files: {a.files}; answers: " + ", ".join(f"{count} x {status}" for status, count in sorted(seen.statuses.items())))
    print("slowest: " + ", ".join(f"{seconds:.2f} s {path}" for seconds, path in seen.slowest))
    print(f"sound files between: {turn[0]} answers; contained panics in the log: {panics}")
    print(f"resident memory: peak {peak:.0f} MiB of {a.memory_mib} MiB")
    if peak > a.memory_mib:
        seen.broken(f"resident memory {peak:.0f} MiB", f"more than {a.memory_mib} MiB")
    print(f"rules broken: {len(seen.wrong)}")
    return 1 if seen.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
