#!/usr/bin/env python3
"""Peers: Recto beside nginx with static tiles and beside iipsrv, with the same picture, URLs and load, by CPU per answer.

    bench/peers.py --recto target/release/recto [--image FILE] [--work W1,W5] [--seconds 3] [--reps 3] [--clients 8] [--keep DIR]

Makes what it needs in a temporary folder (or in --keep DIR, which is used again): a picture, drawn by vips or given; a JPEG and two
pyramids of it; a static tree cut by `recto tile`. For each run a server is started anew with nothing in its caches; servers take turns
within a repetition; figures are medians of the repetitions. CPU is that of all processes of a server, nginx before iipsrv included,
without that of wrk. Only ratios of one run are to be quoted, by CPU per answer: all else belongs to the machine.

Python 3, standard library only. Debian packages: wrk, libvips-tools, and for the peers nginx-light, iipimage-server.
Exit 0 when all was measured, 1 when an answer was wrong, 2 when it could not be tried.
"""
import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

QUALITY = 80  # of what is encoded anew; stored tiles that are sent as they are have the 85 of the pyramid
CORES, TICKS = os.cpu_count(), os.sysconf("SC_CLK_TCK")
PAGES = [f"page-{number:03}.tif" for number in range(200)]  # names of one JPEG pyramid, so that no answer helps with another

WORK = {  # name: (help, images, kind of request, whether the list is gone through once or in a loop)
    "W1": ("each tile of the JPEG pyramid, under 8 names, once and in random order", PAGES[:8], "tile", "once"),
    "W2": ("hot: 400 tiles of the JPEG pyramid again and again", PAGES[:1], "hot", "loop"),
    "W3": ("each tile of the JPEG pyramid that the picture's edge cuts, under 8 names, once", PAGES[:8], "edge", "once"),
    "W4": ("each tile of the Deflate pyramid once", ["deflate.tif"], "tile", "once"),
    "W5": ("each tile of the flat JPEG once", ["flat.jpg"], "tile", "once"),
    "W6": ("regions of the JPEG pyramid aligned to nothing, at `1000,`", PAGES[:1], "region", "once"),
    "W7": ("thumbnails `!400,400` of 200 JPEG pyramids, each once", PAGES, "thumbnail", "once"),
    "W8": ("info.json again and again", PAGES[:1], "info", "loop"),
}

WRK = """-- Sends the paths of a file; arguments are the file and `once` or `loop`. Each thread has its share of them.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(arguments)
  once, at, requests = arguments[2] == "once", 0, {}
  local line = 0
  for path in io.lines(arguments[1]) do
    if line % THREADS == number then table.insert(requests, wrk.format("GET", path)) end
    line = line + 1
  end
end
function request()
  if once and at == #requests then
    io.write("through\\n")
    io.flush()
    wrk.thread:stop()
  end
  at = at + 1
  return requests[(at - 1) % #requests + 1]
end
function done(all, latency, _)
  local e = all.errors
  io.write(string.format('{"answers": %d, "bytes": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\\n', all.requests, all.bytes,
    all.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""

NGINX = """daemon off; USER worker_processes CORES; pid nginx.pid; error_log nginx.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types { image/jpeg jpg; application/json json; }
  client_body_temp_path body; fastcgi_temp_path fastcgi; proxy_temp_path proxy; scgi_temp_path scgi; uwsgi_temp_path uwsgi;
  server { listen 127.0.0.1:PORT; location /iiif/ { LOCATION } }
}
"""

PICTURE = """perlin 1.v 2000 1500 --cell-size 300 --uchar --seed 1
perlin 2.v 2000 1500 --cell-size 300 --uchar --seed 2
perlin 3.v 2000 1500 --cell-size 300 --uchar --seed 3
bandjoin 1.v,2.v,3.v clouds.v
resize clouds.v large.v 4 --kernel cubic
gaussnoise noise.v 1000 1000 --mean 0 --sigma 7 --seed 4
replicate noise.v grain.v 8 6
sum large.v,grain.v bare.v
text words.v Tiles,_regions,_sizes_and_pages. --dpi 300
embed words.v line.v 60 40 1000 125
replicate line.v text.v 8 48
subtract bare.v text.v printed.v
linear printed.v picture.v 0.8 20 --uchar"""


class Trouble(Exception):
    """What keeps this program from going on, in one line."""


def tool(name, package):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise Trouble(f"`{name}` is missing; install the Debian package {package}")
    return found


def run(*command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Trouble(f"`{' '.join(command)}` failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")


def draw(vips, folder):
    """A picture of 8000 x 6000 that is stored like a photograph with print on it: clouds, grain, text."""
    for step in PICTURE.splitlines():
        run(vips, *(word.replace(".v,", ".v ").replace("_", " ") for word in step.split()), folder=folder)
    return os.path.join(folder, "picture.v")


def prepare(folder, recto, image):
    """The library in `images`, its static tree in `tree/iiif`; what is there already is used."""
    origin = f"{os.path.abspath(image)}, {os.path.getsize(image)} bytes" if image else "a drawing"
    marker, images, tree = (os.path.join(folder, *names) for names in (("made-from",), ("images",), ("tree", "iiif")))
    if os.path.exists(marker):
        with open(marker) as file:
            if (before := file.read()) != origin:
                raise Trouble(f"`{folder}` was made from {before}; name another folder with --keep")
        return
    if os.listdir(folder):
        raise Trouble(f"`{folder}` is neither empty nor finished by this program; name another folder with --keep")
    vips = tool("vips", "libvips-tools")
    print("making the picture, its pyramids and the static tree ...", file=sys.stderr)
    os.mkdir(images)
    first, flat, deflate = (os.path.join(images, name) for name in (PAGES[0], "flat.jpg", "deflate.tif"))
    with tempfile.TemporaryDirectory(dir=folder) as drawing:
        run(vips, "jpegsave", os.path.abspath(image) if image else draw(vips, drawing), flat, "--Q", "90", "--strip")
    pyramid = ("--tile", "--tile-width", "256", "--tile-height", "256", "--pyramid")
    run(vips, "tiffsave", flat, first, *pyramid, "--compression", "jpeg", "--Q", "85")
    run(vips, "tiffsave", flat, deflate, *pyramid, "--compression", "deflate")
    run(recto, "tile", images, "--to", tree, "--url", "http://localhost/iiif", "--quality", str(QUALITY), "--sizes", "400")
    for name in PAGES[1:]:
        os.link(first, os.path.join(images, name))
        os.symlink(PAGES[0], os.path.join(tree, name))
    with open(marker, "w") as file:
        file.write(origin)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A server: `with` starts it, with nothing in its caches, and stops all its processes."""
    prefix = "/iiif/"

    def __init__(self, folder, *programs):
        self.folder, self.programs, self.version = folder, programs, None
        self.images, self.tree = os.path.join(folder, "images"), os.path.join(folder, "tree")

    def __enter__(self):
        self.port, self.processes = free_port(), []
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.work = tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.folder)
        self.log = open(os.path.join(self.folder, f"{self.name}.log"), "w")
        try:
            self.launch()
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.client.close()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.log.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def spawn(self, *command, stdin=subprocess.DEVNULL, **environment):
        # In a session of its own: Ctrl-C reaches this program alone, which then stops the others.
        self.processes.append(subprocess.Popen(command, cwd=self.work, env={**os.environ, **environment}, stdin=stdin, stdout=self.log,
                                               stderr=self.log, start_new_session=True))

    def spawn_nginx(self, location):
        text = NGINX.replace("USER", "user root;" if os.geteuid() == 0 else "").replace("CORES", str(CORES))
        with open(os.path.join(self.work, "nginx.conf"), "w") as file:
            file.write(text.replace("PORT", str(self.port)).replace("LOCATION", location))
        self.spawn(self.programs[0], "-p", self.work, "-e", "nginx.log", "-c", "nginx.conf")

    def await_ready(self):
        """Until it answers, and then until it has done what it does of itself after a start."""
        path = f"{self.prefix}{PAGES[0]}/info.json"
        for _ in range(300):
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get(path)[0] == 200:
                    break
            if any(process.poll() is not None for process in self.processes):
                raise Trouble(f"{self.name} ended at its start; see {self.name}.log in the folder named with --keep")
            time.sleep(0.1)
        else:
            raise Trouble(f"{self.name} does not answer `{path}`; see {self.name}.log in the folder named with --keep")
        before, now = -1, 0
        while now - before > 0.02:
            before, now = self.cpu_seconds(), time.sleep(0.5) or self.cpu_seconds()

    def get(self, path):
        try:
            self.client.request("GET", path)
            answer = self.client.getresponse()
            self.version = answer.headers["Server"] or self.version
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.client.close()
            raise

    def has(self, path):
        return True

    def read(self, file):
        """A file of /proc for each of its processes: those started here, and what they started."""
        pids = [process.pid for process in self.processes]
        for pid in pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    pids += map(int, children.read().split())
            with open(f"/proc/{pid}/{file}") as text:
                yield text.read()

    def cpu_seconds(self):
        return sum(sum(map(int, text.rsplit(")", 1)[1].split()[11:15])) for text in self.read("stat")) / TICKS

    def memory_mib(self):
        """Resident; what processes share counts once (Pss)."""
        return sum(int(text.split("\nPss:")[1].split()[0]) for text in self.read("smaps_rollup")) / 1024


class Nginx(Server):
    name = "nginx"

    def launch(self):
        self.spawn_nginx(f"root {self.tree};")

    def has(self, path):
        return os.path.exists(self.tree + path)


class Iipsrv(Server):
    name = "iipsrv"

    def launch(self):
        # A process for each core, all of which take connections from one socket.
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            for _ in range(CORES):
                self.spawn(self.programs[1], stdin=listener, FILESYSTEM_PREFIX=self.images + "/", URI_MAP="iiif=>IIIF",
                           JPEG_QUALITY=str(QUALITY), VERBOSITY="0", LOGFILE=os.path.join(self.work, "iipsrv.log"))
            fields = ("REQUEST_METHOD", "QUERY_STRING", "REQUEST_URI", "SERVER_PROTOCOL", "HTTP_HOST")
            passed = " ".join(f"fastcgi_param {field} ${field.lower()};" for field in fields)
            self.spawn_nginx(f"fastcgi_pass 127.0.0.1:{listener.getsockname()[1]}; {passed}")


class Recto(Server):
    name, prefix = "recto", "/iiif/3/"

    def launch(self):
        self.spawn(self.programs[0], "serve", self.images, "--listen", f"127.0.0.1:{self.port}",
                   "--state", os.path.join(self.work, "state"), "--set", f"image.jpeg_quality={QUALITY}")


def tiles(info):
    """All tiles as OpenSeadragon asks for them: region, size, and whether the picture's edge cuts it."""
    width, height, tile = info["width"], info["height"], info["tiles"][0]
    for scale in tile["scaleFactors"]:
        span, whole = tile["width"] * scale, (-(-width // scale), -(-height // scale))
        if max(whole) < tile["width"]:
            yield "full", whole, False
            continue
        for y in range(0, height, span):
            for x in range(0, width, span):
                w, h = min(span, width - x), min(span, height - y)
                yield f"{x},{y},{w},{h}", (-(-w // scale), -(-h // scale)), min(w, h) < span


def regions(info):
    width, height, rnd = info["width"], info["height"], random.Random(2)
    for _ in range(400):
        w = rnd.randint(min(1100, width), min(6000, width))
        h = min(w * 3 // 4, height)
        yield f"{rnd.randint(0, width - w)},{rnd.randint(0, height - h)},{w},{h}", (1000, round(h * 1000 / w))


def list_requests(server, work):
    """The paths of a workload, each with the size that its picture must have; None for what is none."""
    _, names, kind, _ = WORK[work]
    found = []
    for name in names:
        base = server.prefix + name
        status, body = server.get(base + "/info.json")
        if status != 200:
            raise LookupError(f"it answers {status} for info.json of {name}")
        info = json.loads(body)
        if kind == "info":
            found.append((base + "/info.json", None))
        elif kind == "region":
            found += [(f"{base}/{region}/1000,/0/default.jpg", size) for region, size in regions(info)]
        elif kind == "thumbnail":
            size = tuple(round(400 * side / max(info["width"], info["height"])) for side in (info["width"], info["height"]))
            # A file has its size in its name.
            asked = "{},{}".format(*size) if server.name == "nginx" else "!400,400"
            found.append((f"{base}/full/{asked}/0/default.jpg", size))
        else:
            found += [(f"{base}/{region}/{size[0]},{size[1]}/0/default.jpg", size) for region, size, cut in tiles(info)
                      if cut or kind != "edge"]
    random.Random(1).shuffle(found)
    found = [request for request in found[:400 if kind == "hot" else None] if server.has(request[0])]
    if not found:
        raise LookupError("it has no such files")
    return found


def jpeg_size(body):
    """Width and height by the frame header of a JPEG that is whole; None for anything else."""
    at = 2
    while body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9" and at + 9 < len(body):
        if 0xC0 <= body[at + 1] <= 0xCF and body[at + 1] not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(body[at + 7:at + 9], "big"), int.from_bytes(body[at + 5:at + 7], "big")
        at += 2 + int.from_bytes(body[at + 2:at + 4], "big")
    return None


def check(server, listed):
    """Asks for twelve of them: what is wrong with the answers, and the middle of the seconds that they took."""
    wrong, took = [], []
    for path, size in listed[::-(-len(listed) // 12)]:
        began = time.monotonic()
        status, body = server.get(path)
        took.append(time.monotonic() - began)
        got = jpeg_size(body) if size else None
        # A side that follows from the other may be rounded either way; those of a tile are both asked for.
        slack = 1 if "/!400,400/" in path or "/1000,/" in path else 0
        if status != 200 or size and (not got or max(abs(got[0] - size[0]), abs(got[1] - size[1])) > slack):
            wrong.append(f"{path} is answered {status} with {f'{got[0]} x {got[1]}' if got else 'no whole JPEG'}")
    return wrong, statistics.median(took)


def load(wrk, server, listed, way, seconds, clients):
    """One run of wrk, and what it counted."""
    threads = min(2, clients)
    script, paths = os.path.join(server.work, "list.lua"), os.path.join(server.work, "paths")
    with open(script, "w") as file:
        file.write(WRK.replace("THREADS", str(threads)))
    with open(paths, "w") as file:
        file.writelines(path + "\n" for path, _ in (listed if len(listed) >= threads else listed * threads))
    command = [wrk, f"-t{threads}", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", script, f"http://127.0.0.1:{server.port}"]
    process = subprocess.Popen([*command, "--", paths, way], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        through, counted = 0, None
        for line in process.stdout:
            if line.startswith("through"):
                through += 1
                if through == threads:
                    process.send_signal(signal.SIGINT)  # it would wait for its time to be over
            elif line.startswith("{"):
                counted = json.loads(line)
        if process.wait() or not counted:
            raise Trouble(f"`{' '.join(command)}` failed")
        return counted
    finally:
        process.kill()
        process.wait()


def busy_seconds():
    """What all processors did since the machine was started."""
    with open("/proc/stat") as stat:
        ticks = list(map(int, stat.readline().split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


def measure(wrk, server, listed, way, seconds, clients):
    # What nginx sends is on disk, whether it is asked once or often; and once is too short for it to be measured.
    way = "loop" if server.name == "nginx" else way
    if way == "loop":
        load(wrk, server, listed, "once", 2, clients)
    own, by_wrk, by_all, began = server.cpu_seconds(), sum(os.times()[2:4]), busy_seconds(), time.monotonic()
    run = load(wrk, server, listed, way, seconds, clients)
    own, by_wrk, by_all = server.cpu_seconds() - own, sum(os.times()[2:4]) - by_wrk, busy_seconds() - by_all
    answers = max(run["answers"], 1)
    return {**run, "rate": answers / run["seconds"], "cpu": own * 1000 / answers, "kib": run["bytes"] / answers / 1024,
            "memory": server.memory_mib(), "others": max(by_all - own - by_wrk, 0) / CORES / (time.monotonic() - began)}


def compare(wrk, servers, work, given):
    """Measures one workload with all servers and prints its table; the number of errors."""
    print(f"\n{work}: {WORK[work][0]}", flush=True)
    plans = {}
    for server in servers:
        try:
            with server:
                listed = list_requests(server, work)
                wrong, took = check(server, listed)
        except LookupError as reason:
            print(f"  {server.name} is left out: {reason}")
            continue
        for line in wrong[:3]:
            print(f"  wrong: {server.version or server.name}: {line}")
        # Slow servers get more time, so that what is not finished at its end does not count for much.
        seconds = max(given.seconds, min(5 * given.seconds, round(20 * given.clients * took / CORES)))
        plans[server] = (listed, seconds, wrong)
    runs = {server: [] for server in plans}
    for repetition in range(given.reps):
        order = sorted(plans, key=lambda server: (list(plans).index(server) - repetition) % len(plans))
        for server in order:
            with server:
                runs[server].append(measure(wrk, server, plans[server][0], WORK[work][3], plans[server][1], given.clients))
    middle = {server: {key: statistics.median(run[key] for run in runs[server]) for key in runs[server][0]} for server in runs}
    peers = [server for server in middle if server.name != "recto"]
    print("  server         answers   per s   p50 ms   p99 ms  KiB each  CPU ms each" + "".join(f"{'x ' + peer.name:>10}" for peer in peers)
          + "  memory MiB  errors")
    total = 0
    for server, m in middle.items():
        errors = len(plans[server][2]) + sum(run["errors"] for run in runs[server])
        ratios = [m["cpu"] / middle[peer]["cpu"] if middle[peer]["cpu"] else float("nan") for peer in peers]
        ratios = "".join(f"{ratio:>10.3f}" if ratio < 0.1 else f"{ratio:>10.2f}" for ratio in ratios)
        print(f"  {server.version or server.name:<13}{m['answers']:>9.0f}{m['rate']:>8.0f}{m['p50']:>9.2f}{m['p99']:>9.2f}{m['kib']:>10.1f}"
              f"{m['cpu']:>13.3f}{ratios}{m['memory']:>12.0f}{errors:>8}")
        total += errors
    others, server = max((run["others"], server.name) for server in runs for run in runs[server])
    if others > 0.1:
        print(f"  warning: other processes used {others:.0%} of the machine (with {server}): here rates and latencies say little")
    return total


def find_servers(folder, given):
    """Recto and the peers that are installed; a peer that is not is named."""
    servers = [Recto(folder, os.path.abspath(given.recto))]
    try:
        nginx = tool("nginx", "nginx-light")
    except Trouble as trouble:
        print(f"nginx and iipsrv are left out: {trouble}")
        return servers
    if os.access(given.iipsrv, os.X_OK):
        servers.insert(0, Iipsrv(folder, nginx, os.path.abspath(given.iipsrv)))
    else:
        print(f"iipsrv is left out: `{given.iipsrv}` is missing; install the Debian package iipimage-server, or name one with --iipsrv")
    return [Nginx(folder, nginx), *servers]


def main():
    listed = "workloads:\n" + "\n".join(f"  {name}  {row[0]}" for name, row in WORK.items())
    parser = argparse.ArgumentParser(description=__doc__, epilog=listed, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--image", help="a large picture that vips reads; without it one is drawn")
    parser.add_argument("--iipsrv", default="/usr/lib/iipimage-server/iipsrv.fcgi", help="another iipsrv than Debian's")
    parser.add_argument("--work", default=",".join(WORK), help="workloads, with commas between")
    parser.add_argument("--seconds", type=int, default=3, help="most that a run takes; slow servers get up to five times as much")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8, help="connections; on each, a request follows the answer before")
    parser.add_argument("--keep", metavar="DIR", help="folder for what is made, to be used again")
    given = parser.parse_args()
    works = given.work.split(",")
    if unknown := [work for work in works if work not in WORK]:
        parser.error(f"there is no workload `{unknown[0]}`; there are {', '.join(WORK)}")
    if min(given.seconds, given.reps, given.clients) < 1:
        parser.error("--seconds, --reps and --clients are 1 at least")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    try:
        for path in filter(None, (given.recto, given.image)):
            if not os.path.isfile(path):
                raise Trouble(f"there is no file `{path}`")
        wrk = tool("wrk", "wrk")
        with contextlib.ExitStack() as stack:
            folder = os.path.abspath(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="recto-peers-")))
            os.makedirs(folder, exist_ok=True)
            prepare(folder, os.path.abspath(given.recto), given.image)
            servers = find_servers(folder, given)
            print(f"{CORES} cores, {given.clients} clients, medians of {given.reps}; `x nginx`: CPU per answer, in that of nginx")
            return 1 if sum([compare(wrk, servers, work, given) for work in works]) else 0
    except Trouble as trouble:
        print(f"peers.py: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
