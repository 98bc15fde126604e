#!/usr/bin/env python3
"""Peers: Recto beside nginx with static tiles, iipsrv, sharp and vips, with the same pictures, URLs and load, by CPU per answer.

    bench/peers.py --recto target/release/recto [--work W1,W5] [--image FILE] [--small] [--seconds 3] [--reps 3] [--keep DIR] [--require]

Makes what it needs in a temporary folder (or in --keep DIR, which is used again): a large picture, drawn by vips or given, and sixty
pages that are parts of it; JPEG files, pyramids and JPEG 2000 of them; a static tree cut by `recto tile`. For each run a server is
started anew with nothing in its caches; servers take turns within a repetition; figures are medians of the repetitions. Before that,
twelve answers of each are looked at: their size, and the pixels of one beside what vips makes of the same part. CPU is that of all
processes of a server, nginx before iipsrv included, without that of wrk. Only ratios of one run are to be quoted, by CPU per answer: all
else belongs to the machine.

Python 3, standard library only. Debian packages: libvips-tools, wrk, and for the peers nginx-light, iipimage-server, libopenjp2-tools;
sharp is `npm install iiif-processor sharp` in a folder whose node_modules is named with --node-modules.
Exit 0 when all was measured that can be here, 1 when an answer was wrong, 2 when it could not be tried; with --require also when one of
the works was not measured, or not beside all that it is about.
"""
import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile

from beside import commands, library, load
from beside.servers import CORES, Iipsrv, Nginx, Recto, Sharp
from beside.works import WORKS
from pictures import Trouble, tool

# As the table of speeds has them: W1 to W8.
NAMES = sorted([*WORKS, *commands.COMMANDS], key=lambda name: name.split("-")[0])


def find_servers(folder, given):
    """Recto and the peers that are installed; a peer that is not is named."""
    servers = [Recto(folder, os.path.abspath(given.recto))]
    try:
        nginx = tool("nginx", "nginx-light")
    except Trouble as trouble:
        nginx = None
        print(f"not measured: nginx and iipsrv: {trouble}")
    if nginx:
        servers.append(Nginx(folder, nginx))
        for number, program in enumerate(given.iipsrv or ["/usr/lib/iipimage-server/iipsrv.fcgi"]):
            if os.access(program, os.X_OK):
                server = Iipsrv(folder, nginx, os.path.abspath(program))
                server.name += f"-{number + 1}" if number else ""
                servers.append(server)
            else:
                print(f"not measured: iipsrv: `{program}` is missing; install the Debian package iipimage-server, or name it by --iipsrv")
    node = shutil.which("node")
    modules = os.path.abspath(given.node_modules) if given.node_modules else ""
    if node and os.path.isdir(os.path.join(modules, "iiif-processor")):
        servers.append(Sharp(folder, node, modules))
    else:
        print("not measured: sharp: it needs Node, and --node-modules with iiif-processor and sharp in it")
    # Recto last, as its figures are looked at beside the others'.
    return servers[1:] + servers[:1]


def measure_all(folder, names, given):
    """The number of errors, and how much was not measured."""
    tools = {"vips": tool("vips", "libvips-tools"), "servers": find_servers(folder, given)}
    try:
        tools["wrk"] = tool("wrk", "wrk")
    except Trouble as trouble:
        print(f"not measured: all but {', '.join(commands.COMMANDS)}: {trouble}")
    print(f"{CORES} cores, {given.clients} clients, medians of {given.reps}; `x nginx`: CPU per answer, in that of nginx")
    errors = missing = 0
    for name in names:
        if name in commands.COMMANDS:
            errors += commands.compare(tools, folder, name, given)
        elif "wrk" in tools:
            wrong, left_out = load.compare(tools, tools["servers"], name, given)
            errors, missing = errors + wrong, missing + len(left_out)
        else:
            missing += 1
    return errors, missing


def main():
    texts = {name: WORKS[name].help if name in WORKS else commands.COMMANDS[name][0] for name in NAMES}
    listed = "works:\n" + "\n".join(f"  {name:<17} {text}" for name, text in texts.items())
    parser = argparse.ArgumentParser(description=__doc__, epilog=listed, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recto", required=True)
    parser.add_argument("--image", help="a large picture that vips reads; without it one is drawn")
    parser.add_argument("--small", action="store_true", help="small pictures: to see that all works, not to quote")
    parser.add_argument("--iipsrv", action="append", help="another iipsrv than Debian's; several times for several")
    parser.add_argument("--node-modules", help="a folder of npm packages with iiif-processor and sharp")
    parser.add_argument("--work", default=",".join(NAMES), help="works, with commas between; `W1` is W1 alone, `W1-` all that begin so")
    parser.add_argument("--seconds", type=int, default=3, help="most that a run takes; slow servers get up to five times as much")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8, help="connections; on each, a request follows the answer before")
    parser.add_argument("--keep", metavar="DIR", help="folder for what is made, to be used again")
    parser.add_argument("--require", action="store_true", help="fail when something is not measured")
    given = parser.parse_args()
    wanted = given.work.split(",")
    if unknown := [word for word in wanted if not any(fits(word, name) for name in NAMES)]:
        parser.error(f"there is no work `{unknown[0]}`; there are {', '.join(NAMES)}")
    if min(given.seconds, given.reps, given.clients) < 1:
        parser.error("--seconds, --reps and --clients are 1 at least")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    try:
        for path in filter(None, (given.recto, given.image)):
            if not os.path.isfile(path):
                raise Trouble(f"there is no file `{path}`")
        with contextlib.ExitStack() as stack:
            folder = os.path.abspath(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="recto-peers-")))
            os.makedirs(folder, exist_ok=True)
            library.prepare(folder, os.path.abspath(given.recto), given.image, given.small)
            names = [name for name in NAMES if any(fits(word, name) for word in wanted)]
            errors, missing = measure_all(folder, names, given)
        if errors:
            return 1
        return 2 if given.require and missing else 0
    except Trouble as trouble:
        print(f"peers.py: not measured: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def fits(word, name):
    return name.startswith(word) if word.endswith("-") else name == word


if __name__ == "__main__":
    sys.exit(main())
