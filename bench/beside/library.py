"""What is served: one large picture and sixty pages, each in several forms; and the static tree of those that nginx sends."""
import os
import shutil
import sys
import tempfile

from pictures import Trouble, draw, run, size_of, tool

QUALITY = 80  # of what is encoded anew; stored tiles that are sent as they are have the 85 of the pyramids
LARGE = [f"large-{number}.tif" for number in range(8)]  # names of one JPEG pyramid, so that no answer helps with another
DEFLATE, FLAT, TILED_JP2 = "large-deflate.tif", "large.jpg", "large.jp2"
# Sizes of the large picture and of a page.
FULL, SMALL = ((20_000, 15_000), (3500, 5000)), ((4000, 3000), (700, 1000))
PYRAMID = ("--tile", "--tile-width", "256", "--tile-height", "256", "--pyramid")
OPENJPEG = ("-I", "-n", "7", "-b", "64,64", "-c", "[256,256],[256,256],[128,128]", "-p", "RPCL")


def pages(ending, count=60):
    return [f"page-{number:03}.{ending}" for number in range(count)]


JP2_PAGES = pages("jp2", 24)


def reference(name):
    """The file whose pixels an answer about this one must have, read by vips."""
    return LARGE[0] if name.startswith("large") else os.path.splitext(name)[0] + ".jpg"


def prepare(folder, recto, image, is_small):
    """The library in `images`, the static tree in `tree/iiif`; what is there already is used."""
    large, page = SMALL if is_small else FULL
    origin = f"{os.path.abspath(image)}, {os.path.getsize(image)} bytes" if image else f"a drawing of {large[0]} x {large[1]}"
    origin += f"; pages of {page[0]} x {page[1]}"
    marker, images, tree = (os.path.join(folder, *names) for names in (("made-from",), ("images",), ("tree", "iiif")))
    if os.path.exists(marker):
        with open(marker) as file:
            if (before := file.read()) != origin:
                raise Trouble(f"`{folder}` was made from {before}; name another folder with --keep")
        return
    if os.listdir(folder):
        raise Trouble(f"`{folder}` is neither empty nor finished by this program; name another folder with --keep")
    vips = tool("vips", "libvips-tools")
    print("making the pictures, their pyramids and the static tree ...", file=sys.stderr)
    os.mkdir(images)
    with tempfile.TemporaryDirectory(dir=folder) as drawing:
        if image:
            picture = os.path.join(drawing, "given.v")
            run(vips, "copy", os.path.abspath(image), picture)
        else:
            picture = draw(vips, drawing, *large)
        write_large(vips, picture, images, drawing)
        write_pages(vips, picture, page, images, drawing)
    os.makedirs(os.path.dirname(tree))
    tiled = [os.path.join(images, name) for name in (LARGE[0], *pages("tif"))]
    run(recto, "tile", *tiled, "--to", tree, "--url", "http://localhost/iiif", "--quality", QUALITY, "--sizes", 400)
    for name in LARGE[1:]:
        os.link(os.path.join(images, LARGE[0]), os.path.join(images, name))
        os.symlink(LARGE[0], os.path.join(tree, name))
    with open(marker, "w") as file:
        file.write(origin)


def write_large(vips, picture, images, drawing):
    first, deflate, flat, tiled = (os.path.join(images, name) for name in (LARGE[0], DEFLATE, FLAT, TILED_JP2))
    run(vips, "tiffsave", picture, first, *PYRAMID, "--bigtiff", "--compression", "jpeg", "--Q", "85")
    run(vips, "tiffsave", picture, deflate, *PYRAMID, "--bigtiff", "--compression", "deflate", "--predictor", "horizontal")
    run(vips, "jpegsave", picture, flat, "--Q", "90", "--optimize-coding", "--strip")
    write_jp2(vips, picture, tiled, drawing, "-r", "12", "-t", "1024,1024")


def write_pages(vips, picture, page, images, drawing):
    """Parts of the large picture, each from another place."""
    width, height = size_of(vips, picture)
    w, h = min(page[0], width), min(page[1], height)
    part = os.path.join(drawing, "page.v")
    for number, name in enumerate(pages("")):
        x, y = number * 331 % (width - w + 1), number * 577 % (height - h + 1)
        run(vips, "crop", picture, part, x, y, w, h)
        run(vips, "jpegsave", part, os.path.join(images, name + "jpg"), "--Q", "90", "--optimize-coding", "--strip")
        run(vips, "tiffsave", part, os.path.join(images, name + "tif"), *PYRAMID, "--compression", "jpeg", "--Q", "85")
        if number < len(JP2_PAGES):
            write_jp2(vips, part, os.path.join(images, name + "jp2"), drawing, "-r", "14", "-PLT")


def write_jp2(vips, picture, target, drawing, *options):
    """Where OpenJPEG's program is installed; works that need such files are else not measured."""
    if program := shutil.which("opj_compress"):
        plain = os.path.join(drawing, "plain.ppm")
        run(vips, "ppmsave", picture, plain)
        run(program, "-i", plain, "-o", target, *OPENJPEG, *options)
        os.remove(plain)
