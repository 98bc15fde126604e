#!/usr/bin/env python3
"""Large images for `overload.py`: one picture as tiled TIFF, as tiled JPEG 2000 and as progressive JPEG.

    bench/large.py FOLDER [--width 20000] [--height 30000]

What is there already is left as it is. Takes some 8 GB of disk while it works, and 2 GB of memory: a progressive JPEG is written from
all of its coefficients. Python 3, standard library only; Debian package libvips-tools. Exit 0 when all are there, 2 when not.
"""
import argparse
import os
import sys
import tempfile

from pictures import Trouble, draw, run, tool

FORMS = {
    "large.tif": ["tiffsave", "--compression", "jpeg", "--Q", "85", "--tile", "--tile-width", "256", "--tile-height", "256", "--pyramid",
                  "--bigtiff"],
    "large.jp2": ["jp2ksave", "--tile-width", "1024", "--tile-height", "1024"],
    "progressive.jpg": ["jpegsave", "--Q", "90", "--interlace", "--strip"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--width", type=int, default=20_000)
    parser.add_argument("--height", type=int, default=30_000)
    a = parser.parse_args()
    try:
        vips = tool("vips", "libvips-tools")
        os.makedirs(a.folder, exist_ok=True)
        missing = [name for name in FORMS if not os.path.exists(os.path.join(a.folder, name))]
        if not missing:
            return 0
        with tempfile.TemporaryDirectory(dir=a.folder, prefix=".drawing-") as drawing:
            picture = draw(vips, drawing, a.width, a.height)
            for name in missing:
                print(f"writing {name} ...", file=sys.stderr)
                command, *options = FORMS[name]
                # Under another name until it is whole; its ending tells vips the format.
                part = os.path.join(drawing, name)
                run(vips, command, picture, part, *options)
                os.rename(part, os.path.join(a.folder, name))
        return 0
    except Trouble as trouble:
        print(f"large.py: {trouble}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
