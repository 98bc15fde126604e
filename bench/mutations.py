#!/usr/bin/env python3
"""Mutations: a server whose library is full of damaged files (D3).

    RECTO=target/release/recto bench/mutations.py [SEEDS] [--files 10000] [--formats all] [--seed 1] [--seconds 2] [--memory-mib 512]

SEEDS is a folder of sound files; those of the wanted formats that are at most --most-kib large are damaged: cut, flipped, overwritten,
numbers made huge, pieces moved. Without it small ones are made. The same seed makes the same files. Each is asked for its info.json and
for a small picture of all of it; in between, sound files are asked for parts of them that nobody asked for before. A second server,
which has the sound files alone, says what these parts look like.

What must hold: every answer within the seconds (one that is not is asked for again, alone, each time of a copy under another name, of
which nothing is remembered, and without the time in which the server only waited for a processor), and whole; 200 with an image or
JSON, else 4xx or 5xx with a JSON body that says what is wrong; of each format some are refused; sound files served right, and made
anew; the same process at the end; resident memory within what the server was given.

Files are made and removed in batches. Those that broke a rule are kept with --keep FOLDER. Python 3, standard library only. Exit 0 when
all held, 1 when something did not, 2 when it could not be tried: also when a format has no sound file.
"""
import argparse
import collections
import contextlib
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

import pixels
import seeds
from damage import damaged
from serving import Client, log_of, metrics, rss_mib, shares, start, stop

# Long before a request that hangs is given up: it is measured, and no rule is broken by waiting for it.
PATIENCE = 60
# Of the answers about damaged files of a format, at least this part is 4xx or 5xx: else they are not damaged, or not looked at.
LEAST_REFUSED = 0.02
# Samples of one region may differ so much between two servers: one may know more of the file and take another way.
MOST_DIFFERENCE = 2
# Of sound files: least side of the image, most of the part that is asked for, and widths of the answer.
LEAST_SIDE, MOST_SIDE, WIDTHS = 16, 96, range(40, 140)


class Judge:
    """What went wrong, and how often what was answered."""

    def __init__(self, keep):
        self.lock, self.keep = threading.Lock(), keep
        self.wrong, self.statuses, self.slowest = [], collections.Counter(), []
        # Answers to ask for again: seconds, path, and how to ask for the same of a file that is not known yet.
        self.slow = []

    def broken(self, what, path, file=None):
        with self.lock:
            self.wrong.append(f"{what}: {path}")
            print(f"  {what}: {path}", flush=True)
            if self.keep and file and os.path.exists(file):
                os.makedirs(self.keep, exist_ok=True)
                shutil.copy(file, self.keep)

    def took(self, seconds, path, most_seconds, anew, file=None):
        with self.lock:
            self.slowest = sorted([*self.slowest, (seconds, path)], reverse=True)[:5]
            if seconds > most_seconds:
                self.slow.append((seconds, path, anew, file))


def get(client, path):
    """Status, body and headers; an exception where no whole answer came. Asks for problems as JSON."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Accept": "application/problem+json, image/*, */*"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def waited(*processes):
    """Seconds for which threads of these were ready to run and did not, since other programs ran."""
    total = 0
    for process in processes:
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(OSError):
                with open(f"/proc/{process}/task/{thread}/schedstat") as counts:
                    total += int(counts.read().split()[1])
    return total / 1e9


def worked(process):
    """Processor time of a process and its children that ended, in seconds."""
    with open(f"/proc/{process}/stat") as stat:
        times = stat.read().rsplit(")", 1)[1].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def again(client, anew, process):
    """What an answer takes when nothing else is asked: the least of three, each about something that nobody asked for before."""
    least = PATIENCE
    for _ in range(3):
        path = anew()
        before, used, began = waited(process, os.getpid()), worked(process), time.monotonic()
        with contextlib.suppress(http.client.HTTPException, OSError):
            get(client, path)
        took = time.monotonic() - began
        # Threads that had nothing to do with it may have waited as well: at least it took what it used.
        running = max(took - (waited(process, os.getpid()) - before), worked(process) - used)
        least = min(least, took, running)
    return least


def judge(client, path, form, anew, file, most_seconds, seen):
    began = time.monotonic()
    try:
        status, body, headers = get(client, path)
    except (http.client.HTTPException, OSError) as error:
        seen.broken(f"no whole answer ({type(error).__name__}: {error})", path, file)
        return
    seen.took(time.monotonic() - began, path, most_seconds, anew, file)
    with seen.lock:
        seen.statuses[form, status] += 1
    kind = headers.get("Content-Type", "")
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


class Sound:
    """Sound files, asked for parts that nobody asked for before, and the other server, which says what they look like."""

    def __init__(self, client, other, seed):
        self.client, self.other, self.random, self.lock = client, other, random.Random(seed), threading.Lock()
        self.files, self.asked, self.turn = [], set(), 0

    def add(self, prefix):
        """False when the file is not served."""
        for client in (self.client, self.other):
            status, body, _ = get(client, prefix + "/info.json")
            if status != 200:
                return False
        info = json.loads(body)
        # Of smaller ones there are too few parts.
        if min(info["width"], info["height"]) < LEAST_SIDE:
            return False
        self.files.append((prefix, info["width"], info["height"]))
        return self.is_served(self.anew(len(self.files) - 1)) or not self.files.pop()

    def is_served(self, path):
        return all(get(client, path)[0] == 200 for client in (self.client, self.other))

    def anew(self, number=None):
        """A path that was not asked for before: of this file, or of each in turn."""
        with self.lock:
            while True:
                self.turn += 1
                prefix, width, height = self.files[self.turn % len(self.files) if number is None else number]
                w, h = (self.random.randint(max(min(length, MOST_SIDE) // 2, 1), min(length, MOST_SIDE)) for length in (width, height))
                x, y = self.random.randint(0, width - w), self.random.randint(0, height - h)
                path = f"{prefix}/{x},{y},{w},{h}/^{self.random.choice(WIDTHS)},/0/default.png"
                if path not in self.asked:
                    self.asked.add(path)
                    return path

    def ask(self, most_seconds, seen):
        path, began = self.anew(), time.monotonic()
        try:
            status, body, headers = get(self.client, path)
        except (http.client.HTTPException, OSError) as error:
            seen.broken(f"a sound file: {type(error).__name__}", path)
            return
        seen.took(time.monotonic() - began, path, most_seconds, self.anew)
        origin = headers.get("Server-Timing", "").split(";")[0]
        if status == 200 and origin != "made":
            seen.broken(f"a sound file: the answer is not made anew but {origin or 'of an origin that is not told'}", path)
        try:
            expected_status, expected, _ = get(self.other, path)
        except (http.client.HTTPException, OSError) as error:
            seen.broken(f"the other server: {type(error).__name__}", path)
            return
        if (status, expected_status) != (200, 200):
            seen.broken(f"a sound file: {status}, of the other server {expected_status}", path)
        elif body != expected:
            difference = pixels.difference(body, expected)
            if difference is None or difference > MOST_DIFFERENCE:
                seen.broken(f"a sound file looks otherwise than from the other server, by {difference} levels", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="?")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first file, to repeat a part")
    parser.add_argument("--formats", default="jp2,tiff,jpeg,png,webp,gif", help=f"`all`, or some of {','.join(seeds.ENDINGS)}")
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
    forms = sorted(seeds.ENDINGS) if a.formats == "all" else sorted(a.formats.split(","))
    if unknown := [form for form in forms if form not in seeds.ENDINGS]:
        parser.error(f"there is no format `{unknown[0]}`; there are {', '.join(seeds.ENDINGS)}")
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix="recto-mutations-"))
        folder = a.seeds or os.path.join(work, "seeds")
        if not a.seeds:
            os.mkdir(folder)
            if not seeds.make(recto, folder):
                return 2
        found = seeds.find(folder, forms, a.most_kib << 10)
        if missing := [form for form in forms if not found[form]]:
            print(f"there is no sound file of {', '.join(missing)}; give a folder that has some, or name others with --formats",
                  file=sys.stderr)
            return 2
        print("seeds: " + ", ".join(f"{len(found[form])} {form}" for form in forms))
        library, other_library = (os.path.join(work, name) for name in ("library", "other"))
        for place in (library, other_library):
            os.makedirs(os.path.join(place, "sound"))
        # Nobody looks into files before they are asked for: that they were would hide how long it takes.
        options = [*shares(a.memory_mib), "cache.max_disk=64 MiB", "library.watch=false", "library.look_ahead=false", *a.set]
        server, address = start(recto, library, os.path.join(work, "state"), options)
        if server:
            stack.callback(stop, server, 10)
            other, other_address = start(recto, other_library, os.path.join(work, "other-state"), options)
        if not server or not other:
            return 2
        stack.callback(stop, other, 10)
        sound = Sound(Client(address), Client(other_address), a.seed)
        for form in forms:
            if not any(add_sound(sound, f"{form}-{number}", seed, (library, other_library)) for number, seed in enumerate(found[form])):
                print(f"no sound file of {form} is served", file=sys.stderr)
                return 2
        return run(a, found, forms, work, server, sound)


def add_sound(sound, name, seed, libraries):
    name = "sound/" + name + os.path.splitext(seed)[1].lower()
    for library in libraries:
        shutil.copy(seed, os.path.join(library, name))
    return sound.add("/iiif/3/" + urllib.parse.quote(name, safe=""))


def run(a, found, forms, work, server, sound):
    seen, sources, client = Judge(a.keep), {}, sound.client
    began, peak, asked, rendered = time.monotonic(), 0.0, 0, made(client)
    for first in range(a.first, a.first + a.files, a.batch):
        numbers = list(range(first, min(first + a.batch, a.first + a.files)))
        folder = os.path.join(work, "library", f"batch-{first}")
        os.mkdir(folder)
        waiting, copies = [], iter(range(10**9))
        for number in reversed(numbers):
            chance, form = random.Random(f"{a.seed} {number}"), forms[number % len(forms)]
            seed = chance.choice(found[form])
            if seed not in sources:
                with open(seed, "rb") as file:
                    sources[seed] = file.read()
            name = f"{number}-{os.path.splitext(os.path.basename(seed))[0]}{os.path.splitext(seed)[1]}"
            with open(os.path.join(folder, name), "wb") as out:
                out.write(damaged(sources[seed], chance))
            waiting.append((form, name))

        def path_of(name, what):
            return "/iiif/3/" + urllib.parse.quote(f"batch-{first}/{name}", safe="") + what

        def copy_of(name, what):
            """The same of a copy, of which the server remembers nothing."""
            copy = f"again-{next(copies)}-{name}"
            shutil.copyfile(os.path.join(folder, name), os.path.join(folder, copy))
            return path_of(copy, what)

        def ask():
            while True:
                with seen.lock:
                    if not waiting:
                        return
                    form, name = waiting.pop()
                    turn = len(waiting)
                for what in ("/info.json", "/full/^200,/0/default.jpg"):
                    anew = lambda name=name, what=what: copy_of(name, what)
                    judge(client, path_of(name, what), form, anew, os.path.join(folder, name), a.seconds, seen)
                if turn % 10 == 0:
                    sound.ask(a.seconds, seen)

        run_all([threading.Thread(target=guarded(ask, seen)) for _ in range(a.clients)])
        asked += len(range(0, len(numbers), 10))
        if has_ended(server, work, first):
            return 1
        for seconds, path, anew, file in seen.slow:
            alone = again(client, anew, server.pid)
            print(f"  {seconds:.1f} s among others, {alone:.2f} s alone: {path}", flush=True)
            if alone > a.seconds:
                seen.broken(f"took {alone:.1f} s", path, file)
        seen.slow.clear()
        shutil.rmtree(folder)
        if has_ended(server, work, first):
            return 1
        peak = rss_mib(server.pid, "VmHWM")
        if (first - a.first) // a.batch % 10 == 9:
            print(f"  {numbers[-1] + 1 - a.first} files, {time.monotonic() - began:.0f} s, peak {peak:.0f} MiB", flush=True)
    rendered = made(client) - rendered
    if rendered < asked:
        seen.broken(f"{rendered:.0f} images were made for {asked} parts of sound files", "/metrics")
    with open(log_of(os.path.join(work, "state"))) as log:
        panics = sum("panick" in line for line in log)
    print(f"files: {a.files}; parts of sound files between: {asked}; contained panics in the log: {panics}")
    for form in forms:
        counts = {status: count for (of, status), count in sorted(seen.statuses.items()) if of == form}
        print(f"{form}: " + ", ".join(f"{count} x {status}" for status, count in counts.items()))
        if refused_part(counts) < LEAST_REFUSED:
            seen.broken(f"only {refused_part(counts):.1%} are refused", form)
    print("slowest: " + ", ".join(f"{seconds:.2f} s {path}" for seconds, path in seen.slowest))
    print(f"resident memory: peak {peak:.0f} MiB of {a.memory_mib} MiB")
    if peak > a.memory_mib:
        seen.broken(f"resident memory {peak:.0f} MiB", f"more than {a.memory_mib} MiB")
    print(f"rules broken: {len(seen.wrong)}")
    return 1 if seen.wrong else 0


def has_ended(server, work, first):
    if server.poll() is None:
        return False
    print(f"the server ended ({server.returncode}) in the batch that begins with file {first}:", file=sys.stderr)
    with open(log_of(os.path.join(work, "state"))) as log:
        print("".join(log.readlines()[-30:]), file=sys.stderr)
    return True


def guarded(work, seen):
    """A thread that ends by a fault of this program breaks the run, too."""
    def ask():
        try:
            work()
        except Exception as error:
            seen.broken(f"this program: {type(error).__name__}: {error}", "")
    return ask


def run_all(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def refused_part(counts):
    return sum(count for status, count in counts.items() if status >= 400) / max(sum(counts.values()), 1)


def made(client):
    """Images made so far, in whatever way."""
    counted = metrics(client)
    return sum(counted[f"recto_{what}_total"] for what in ("renders", "stored_whole", "tile_cuts"))


if __name__ == "__main__":
    sys.exit(main())
