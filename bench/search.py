#!/usr/bin/env python3
"""Text and search: how fast pages of ALTO are read and indexed, and how fast a million pages are searched over HTTP.

    bench/search.py --recto target/release/recto --texts target/release/examples/texts --words FOLDER --pages 1000000

`--words` is a folder of ALTO files, from whose words the text is made; without it there are few of them. The floor, SQLite's own full-text index on the same pages, is
printed by `cargo run --release -p recto-search --example million`.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from catalogue import png


def serve(recto, folder, state, *more):
    process = subprocess.Popen(
        [recto, "serve", folder, "--listen", "127.0.0.1:0", "--state", state, *more], stderr=subprocess.PIPE, text=True)
    log = []
    for line in process.stderr:
        log.append(line)
        if "listening on" in line:
            return process, line.split()[-1], log
    raise SystemExit("".join(log))


def alto(words):
    """A page of so many words."""
    strings = "".join(
        f'<String CONTENT="word{number * 7919 % 4000}" HPOS="{number % 12 * 150}" VPOS="{number // 12 * 30}" WIDTH="120" HEIGHT="25"/>'
        + ("</TextLine>\n<TextLine>" if number % 12 == 11 else "<SP/>") for number in range(words))
    return ('<alto xmlns="http://www.loc.gov/standards/alto/ns-v3#"><Layout><Page WIDTH="2000" HEIGHT="3000"><PrintSpace>'
            f"<TextBlock><TextLine>{strings}</TextLine></TextBlock></PrintSpace></Page></Layout></alto>")


def ingest(recto, words, pages, place):
    """Real pages, in books of 200, read by a new server: until its log says that all texts are kept."""
    files = [path for path in glob.glob(os.path.join(words or "", "**", "*.xml"), recursive=True)
             if b"<alto" in open(path, "rb").read(3000) and os.path.getsize(path) < 200_000] if words else []
    if not files:
        files = [os.path.join(place, "made.xml")]
        with open(files[0], "w") as file:
            file.write(alto(1000))
    folder = os.path.join(place, "library")
    base = os.path.join(place, "base")
    os.makedirs(base)
    with open(os.path.join(base, "page.png"), "wb") as file:
        file.write(png(2000, 3000))
    made, size = 0, 0
    for number in range(pages):
        book = os.path.join(folder, f"book{number // 200:04}")
        os.makedirs(os.path.join(book, "alto"), exist_ok=True)
        if number % 30_000 == 0:
            image = os.path.join(base, f"{number}.png")
            shutil.copy(os.path.join(base, "page.png"), image)
        os.link(image, os.path.join(book, f"{number % 200:03}.png"))
        source = files[number % len(files)]
        shutil.copy(source, os.path.join(book, "alto", f"{number % 200:03}.xml"))
        size += os.path.getsize(source)
        made += 1
    began = time.monotonic()
    process, _, _ = serve(recto, folder, os.path.join(place, "state"))
    for line in process.stderr:
        found = re.search(r"texts were brought up to date.*pages=(\d+) seconds=([\d.]+)", line)
        if found:
            took = float(found[2])
            print(f"read and indexed: {found[1]} pages of ALTO ({size / made / 1024:.0f} kB each) in {took:.1f} s, "
                  f"{int(found[1]) / took:.0f} pages/s; {time.monotonic() - began:.1f} s after the start of the server")
            break
    process.send_signal(signal.SIGTERM)
    process.communicate()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--recto", default="target/release/recto")
    arguments.add_argument("--texts", default="target/release/examples/texts")
    arguments.add_argument("--words")
    arguments.add_argument("--pages", type=int, default=100_000)
    arguments.add_argument("--ingest", type=int, default=4000)
    arguments.add_argument("--seconds", default="3")
    arguments.add_argument("--keep", help="a state directory that was made before, or is to be kept")
    given = arguments.parse_args()
    words = ["--words", given.words] if given.words else []
    with tempfile.TemporaryDirectory() as place:
        if given.ingest:
            ingest(given.recto, given.words, given.ingest, place)
        state = given.keep or os.path.join(place, "texts")
        if not os.path.exists(os.path.join(state, "text.sqlite")):
            subprocess.run([given.texts, "make", state, "--pages", str(given.pages), *words], check=True)
        empty = os.path.join(place, "empty")
        os.makedirs(empty)
        process, address, _ = serve(given.recto, empty, state, "--set", "library.watch=false",
                                    "--set", "library.look_ahead=false")
        try:
            subprocess.run([given.texts, "ask", address, "--state", state, *words, "--seconds", given.seconds,
                            "--pid", str(process.pid)], check=True)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


if __name__ == "__main__":
    main()
