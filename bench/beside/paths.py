"""What viewers ask for, from a server's own info.json: regions of an image and the sizes in which they are asked for."""
import random

WINDOW = (1440, 900)


def tile_at(info, scale, column, row):
    """A tile as OpenSeadragon asks for it: region, size, and whether the image's edge cuts it; None outside of the image."""
    width, height, side = info["width"], info["height"], info["tiles"][0]["width"]
    whole, span = (-(-width // scale), -(-height // scale)), side * scale
    x, y = column * span, row * span
    if column < 0 or row < 0 or x >= width or y >= height:
        return None
    if max(whole) < side:
        return "full", whole, False
    w, h = min(span, width - x), min(span, height - y)
    region = "full" if (w, h) == (width, height) else f"{x},{y},{w},{h}"
    return region, (min(side, whole[0] - column * side), min(side, whole[1] - row * side)), min(w, h) < span


def tiles(info):
    """All tiles."""
    side = info["tiles"][0]["width"]
    for scale in info["tiles"][0]["scaleFactors"]:
        for row in range(-(-info["height"] // (side * scale))):
            for column in range(-(-info["width"] // (side * scale))):
                if tile := tile_at(info, scale, column, row):
                    yield tile


def view(info, scale, centre):
    """The tiles that a window shows at this scale around this point of the image."""
    side = info["tiles"][0]["width"]
    ranges = []
    for length, middle, window in zip((info["width"], info["height"]), centre, WINDOW):
        first = min(max(middle / scale - window / 2, 0), max(length / scale - window, 0))
        ranges.append(range(int(first // side), int((first + window) // side) + 1))
    for row in ranges[1]:
        for column in ranges[0]:
            if tile := tile_at(info, scale, column, row):
                yield tile


def session(info, rnd, pans=2):
    """Somebody looks at all of an image, zooms in step by step to a point of it, and moves on; no tile is asked for twice."""
    centre = [rnd.random() * info["width"], rnd.random() * info["height"]]
    scales = sorted(info["tiles"][0]["scaleFactors"], reverse=True)
    shown = [scale for scale in scales if info["width"] / scale >= WINDOW[0] / 2] or scales[-1:]
    seen = set()
    for step in range(len(shown) + pans):
        if step >= len(shown):
            centre = [centre[0] + rnd.choice((-1, 1)) * 1000, centre[1] + rnd.choice((-1, 1)) * 600]
        for tile in view(info, shown[min(step, len(shown) - 1)], centre):
            if tile not in seen:
                seen.add(tile)
                yield tile


def regions(info, count, width):
    """Regions aligned to nothing, and their sizes at this width."""
    rnd = random.Random(2)
    for _ in range(count):
        w = rnd.randint(min(width * 11 // 10, info["width"]), min(8 * width, info["width"]))
        h = min(w * 3 // 4, info["height"])
        region = f"{rnd.randint(0, info['width'] - w)},{rnd.randint(0, info['height'] - h)},{w},{h}"
        yield region, (width, round(h * width / w))


def thumbnail(info, side):
    """The size of the whole image within a square."""
    longer = max(info["width"], info["height"])
    return tuple(round(side * length / longer) for length in (info["width"], info["height"]))
