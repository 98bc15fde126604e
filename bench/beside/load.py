"""Load by wrk, and what a server takes for an answer to it."""
import json
import os
import signal
import statistics
import subprocess
import time

from beside.answers import fault, look, scans
from beside.servers import CORES, TICKS
from beside.works import WORKS
from pictures import Trouble

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


def measure(wrk, server, work, listed, seconds, clients):
    # What nginx sends is on disk, whether it is asked once or often; and once is too short for it to be measured.
    way = "loop" if server.kind == "nginx" else work.way
    if work.warm:
        for path in work.warm(server):
            server.get(path)
        server.settle()
    if way == "loop":
        load(wrk, server, listed, "once", 2, clients)
    own, by_wrk, by_all, began = server.cpu_seconds(), sum(os.times()[2:4]), busy_seconds(), time.monotonic()
    run = load(wrk, server, listed, way, seconds, clients)
    own, by_wrk, by_all = server.cpu_seconds() - own, sum(os.times()[2:4]) - by_wrk, busy_seconds() - by_all
    answers = max(run["answers"], 1)
    return {**run, "rate": answers / run["seconds"], "cpu": own * 1000 / answers, "kib": run["bytes"] / answers / 1024,
            "memory": server.memory_mib(), "others": max(by_all - own - by_wrk, 0) / CORES / (time.monotonic() - began)}


def check(vips, server, work, listed):
    """Asks for twelve of them: what is wrong with the answers, and the middle of the seconds that they took."""
    wrong, took, largest = [], [], None
    for path, size in listed[::-(-len(listed) // 12)]:
        began = time.monotonic()
        status, body = server.get(path)
        took.append(time.monotonic() - began)
        if what := fault(path, size, status, body):
            wrong.append(what)
        elif size and (not largest or size[0] * size[1] > largest[0]):
            largest = (size[0] * size[1], path, body)
    if largest:
        _, path, body = largest
        if what := look(vips, server, path, body):
            wrong.append(what)
        if work.stored and server.kind == "recto":
            name = path.removeprefix(server.prefix).split("/")[0]
            with open(os.path.join(server.images, name), "rb") as file:
                if scans(file.read()) != scans(body):
                    wrong.append(f"{path} is not answered with what is stored")
    return wrong, statistics.median(took)


def list_paths(server, work):
    found = [request for request in work.paths(server) if server.has(request[0])]
    if not found:
        raise LookupError("it has no such files")
    return found


def compare(tools, servers, name, given):
    """Measures one work with the servers that it is about and prints a table; the number of errors, and who was not measured."""
    work = WORKS[name]
    print(f"\n{name}: {work.help}", flush=True)
    clients = work.clients or given.clients
    plans = {}
    for server in servers:
        if server.kind not in ("recto", *work.beside):
            continue
        try:
            with server:
                listed = list_paths(server, work)
                wrong, took = check(tools["vips"], server, work, listed)
        except LookupError as reason:
            print(f"  {server.name} is left out: {reason}")
            continue
        for line in wrong[:3]:
            print(f"  wrong: {server.version or server.name}: {line}")
        # Slow servers get more time, so that what is not finished at its end does not count for much.
        seconds = max(given.seconds, min(5 * given.seconds, round(20 * clients * took / CORES)))
        plans[server] = (listed, seconds, wrong)
    missing = [kind for kind in ("recto", *work.beside) if not any(server.kind == kind for server in plans)]
    if missing:
        print(f"  not measured: {', '.join(missing)}")
    if not plans:
        return 0, missing
    runs = {server: [] for server in plans}
    for repetition in range(given.reps):
        order = sorted(plans, key=lambda server: (list(plans).index(server) - repetition) % len(plans))
        for server in order:
            with server:
                runs[server].append(measure(tools["wrk"], server, work, plans[server][0], plans[server][1], clients))
    return print_table(runs, {server: len(wrong) for server, (_, _, wrong) in plans.items()}), missing


def print_table(runs, wrong):
    """The medians, and ratios of CPU; the number of errors."""
    middle = {server: {key: statistics.median(run[key] for run in runs[server]) for key in runs[server][0]} for server in runs}
    peers = [server for server in middle if server.kind != "recto"]
    print("  server         answers   per s   p50 ms   p99 ms  KiB each  CPU ms each" + "".join(f"{'x ' + peer.name:>11}" for peer in peers)
          + "  memory MiB  errors")
    total = 0
    for server, m in middle.items():
        errors = wrong[server] + sum(run["errors"] for run in runs[server])
        ratios = [m["cpu"] / middle[peer]["cpu"] if middle[peer]["cpu"] else float("nan") for peer in peers]
        ratios = "".join(f"{ratio:>11.4f}" if ratio < 0.1 else f"{ratio:>11.2f}" for ratio in ratios)
        print(f"  {server.version or server.name:<13}{m['answers']:>9.0f}{m['rate']:>8.0f}{m['p50']:>9.2f}{m['p99']:>9.2f}{m['kib']:>10.1f}"
              f"{m['cpu']:>13.3f}{ratios}{m['memory']:>12.0f}{errors:>8}")
        total += errors
    others, name = max((run["others"], server.name) for server in runs for run in runs[server])
    if others > 0.1:
        print(f"  warning: other processes used {others:.0%} of the machine (with {name}): here rates and latencies say little")
    return total
