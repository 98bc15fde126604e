"""Pictures to measure with, drawn by vips: stored like photographs with print on them."""
import os
import shutil
import subprocess

# 8000 x 6000: clouds, grain, text.
DRAWING = """perlin 1.v 2000 1500 --cell-size 300 --uchar --seed 1
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
linear printed.v plain.v 0.8 20 --uchar
copy plain.v picture.v --interpretation srgb"""
SIZE = (8000, 6000)


class Trouble(Exception):
    """What keeps a program from going on, in one line."""


def tool(name, package):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise Trouble(f"`{name}` is missing; install the Debian package {package}")
    return found


def run(*command, folder=None):
    """What it printed."""
    command = [str(word) for word in command]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Trouble(f"`{' '.join(command)}` failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1]}")
    return done.stdout


def draw(vips, folder, width, height):
    """A picture of this size in vips's own format; pieces of it are left in the folder."""
    for step in DRAWING.splitlines():
        run(vips, *(word.replace(".v,", ".v ").replace("_", " ") for word in step.split()), folder=folder)
    run(vips, "replicate", "picture.v", "many.v", -(-width // SIZE[0]), -(-height // SIZE[1]), folder=folder)
    run(vips, "crop", "many.v", "drawn.v", 0, 0, width, height, folder=folder)
    os.remove(os.path.join(folder, "many.v"))
    return os.path.join(folder, "drawn.v")


def size_of(vips, picture):
    """Width and height; `vipsheader` comes with vips."""
    header = os.path.join(os.path.dirname(vips), "vipsheader")
    return tuple(int(run(header, "-f", field, picture)) for field in ("width", "height"))
