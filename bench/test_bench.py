"""What the benches judge by, tried with made-up results: `python3 -m unittest discover -s bench`. No server is started."""
import collections
import os
import random
import struct
import tempfile
import unittest
import zlib

import control_group
import damage
import mutations
import overload
import pixels
import seeds
import serving
import steady
from beside import answers, paths, works


def failed(held):
    return [text for holds, text in held if not holds]


class Overload(unittest.TestCase):
    kinds = {"JP2", "TIFF"}

    def asked(self, more=()):
        counts = {("JP2", "whole", 200): 2, ("TIFF", "whole", 200): 3, ("TIFF", "whole", 503): 60, ("JP2", "tile", 200): 9}
        return collections.Counter({**counts, **dict(more)})

    def test_d1_answers_of_413_and_503_alone_do_not_pass(self):
        refused = collections.Counter({("JP2", "whole", 413): 50, ("TIFF", "whole", 503): 500})
        self.assertEqual(len(failed(overload.judge_whole(refused, self.kinds, 10))), 3)
        self.assertEqual(failed(overload.judge_whole(self.asked(), self.kinds, 10)), [])

    def test_d1_a_kind_of_which_nothing_is_answered_does_not_pass(self):
        self.assertEqual(len(failed(overload.judge_whole(self.asked(), {*self.kinds, "progressive JPEG"}, 10))), 1)
        self.assertEqual(len(failed(overload.judge_whole(self.asked(), self.kinds, 0))), 1, "nothing was rendered")
        self.assertEqual(len(failed(overload.judge_whole(self.asked(more={("JP2", "tile", 500): 1}), self.kinds, 10))), 1)

    def test_d2_less_than_ten_times_what_can_be_done_is_no_saturation(self):
        idle = self.asked(more={("TIFF", "whole", 503): 20})
        self.assertEqual(len(failed(overload.judge_whole(idle, self.kinds, 10))), 1)

    def test_d1_memory_is_bounded_more_narrowly_where_nothing_would_kill_the_server(self):
        self.assertEqual(failed(overload.judge_memory(True, 1100, 1024, 0)), [])
        self.assertEqual(len(failed(overload.judge_memory(True, 1100, 1024, None))), 1)
        self.assertEqual(len(failed(overload.judge_memory(True, 1000, 1024, 1))), 1)
        self.assertEqual(len(failed(overload.judge_memory(False, float("nan"), 1024, 0))), 2)

    def measured(self, tiles):
        measure = overload.Measure("127.0.0.1:1", [overload.Image("/a", 4096, 4096, 256, "TIFF")])
        for what in ("tile", "cached tile", "info.json"):
            for phase in ("idle", "busy"):
                measure.times[what, phase] = [0.001] * overload.LEAST_IDLE
                measure.statuses[what, phase, 200] = overload.LEAST_IDLE
        measure.statuses.update(tiles)
        return measure

    def test_d1_tiles_that_are_refused_quickly_do_not_pass(self):
        self.assertEqual(failed(overload.judge_tiles(self.measured({}))), [])
        self.assertEqual(len(failed(overload.judge_tiles(self.measured({("tile", "busy", 503): 500})))), 1)
        self.assertEqual(len(failed(overload.judge_tiles(self.measured({("info.json", "busy", 503): 1})))), 1)

    def test_d2_few_measurements_do_not_pass(self):
        measure = self.measured({})
        measure.times["cached tile", "idle"] = [0.001] * 200
        self.assertEqual(len(failed(overload.judge_tiles(measure))), 1)

    def test_no_tile_is_measured_twice(self):
        measure = self.measured({})
        tiles = [measure.tile(measure.images[0]) for _ in range(100)]
        self.assertEqual(len(set(tiles)), len(tiles))

    def test_kinds_are_told_by_content(self):
        segment = b"\xff\xe0\x00\x04ab"
        files = {b"\xff\xd8" + segment + b"\xff\xc2\x00\x11": "progressive JPEG", b"\xff\xd8" + segment + b"\xff\xc0\x00\x11": "JPEG",
                 b"\0\0\0\x0cjP  \r\n\x87\n": "JP2", b"II+\0\x08\0\0\0": "TIFF", b"\x89PNG\r\n\x1a\n": None, b"\xff\xd8\xff": "JPEG"}
        for content, kind in files.items():
            with tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                self.assertEqual(overload.kind_of(file.name), kind, content)

    def test_kills_are_read_from_both_versions_of_control_groups(self):
        self.assertEqual(control_group.kills_in("low 0\nhigh 3\noom 2\noom_kill 1\noom_group_kill 0\n"), 1)
        self.assertEqual(control_group.kills_in("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"), 4)

    def test_a_quantile_is_none_of_nothing(self):
        self.assertEqual(serving.quantile([0.002, 0.001, 0.003], 0.5), 2)
        self.assertNotEqual(serving.quantile([], 0.5), serving.quantile([], 0.5))


class Mutations(unittest.TestCase):
    def test_a_slow_answer_is_asked_for_again_by_another_name_each_time(self):
        asked = []
        before, mutations.get = mutations.get, lambda client, path: asked.append(path)
        try:
            names = iter("abc")
            mutations.again(None, lambda: next(names), os.getpid())
        finally:
            mutations.get = before
        self.assertEqual(asked, ["a", "b", "c"])

    def test_only_slow_answers_are_asked_for_again(self):
        seen = mutations.Judge(None)
        seen.took(1.9, "/quick", 2, None)
        seen.took(30, "/slow", 2, None)
        self.assertEqual([path for _, path, *_ in seen.slow], ["/slow"])

    def test_no_part_of_a_sound_file_is_asked_for_twice(self):
        sound = mutations.Sound(None, None, 1)
        sound.files = [("/a", 16, 16), ("/b", 3000, 20)]
        asked = [sound.anew() for _ in range(2000)]
        self.assertEqual(len(set(asked)), len(asked))
        for path in asked:
            x, y, w, h = map(int, path.split("/")[2].split(","))
            width, height = (16, 16) if path.startswith("/a") else (3000, 20)
            self.assertTrue(0 <= x and x + w <= width and 0 <= y and y + h <= height, path)

    def test_formats_of_which_nothing_is_refused_are_told(self):
        self.assertLess(mutations.refused_part({200: 1000, 500: 1}), mutations.LEAST_REFUSED)
        self.assertGreater(mutations.refused_part({200: 90, 413: 5, 500: 5}), mutations.LEAST_REFUSED)
        self.assertEqual(mutations.refused_part({}), 0)

    def test_seeds_are_made_by_hand_and_found_by_their_endings(self):
        with tempfile.TemporaryDirectory() as folder:
            for ending, draw in (("psd", seeds.psd), ("fits", seeds.fits), ("xpm", seeds.xpm), ("bmp", seeds.bmp), ("svg", seeds.svg)):
                with open(os.path.join(folder, f"one.{ending}"), "wb") as file:
                    file.write(draw())
            found = seeds.find(folder, ["psd", "fits", "xpm", "heic"], 1 << 20)
            self.assertEqual({form: len(files) for form, files in found.items()}, {"psd": 1, "fits": 1, "xpm": 1})
        self.assertEqual(len(seeds.fits()) % 2880, 0)
        self.assertEqual(len(seeds.psd()), 40 + 3 * seeds.WIDTH * seeds.HEIGHT)

    def test_damage_is_the_same_for_the_same_seed_and_is_damage(self):
        file = seeds.png()
        made = [damage.damaged(file, random.Random(f"1 {number}")) for number in range(50)]
        self.assertEqual(made, [damage.damaged(file, random.Random(f"1 {number}")) for number in range(50)])
        self.assertGreater(sum(one != file for one in made), 45)


def written(rows, kinds, pixel):
    """A PNG of 8 bits whose rows are written with these filters."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    above, lines = bytes(len(rows[0])), b""
    for row, kind in zip(rows, kinds):
        predicted = [pixels.predicted(kind, row[i - pixel] if i >= pixel else 0, above[i], above[i - pixel] if i >= pixel else 0)
                     for i in range(len(row))]
        lines += bytes([kind]) + bytes((sample - guess) & 255 for sample, guess in zip(row, predicted))
        above = row
    head = struct.pack(">IIBBBBB", len(rows[0]) // pixel, len(rows), 8, {1: 0, 3: 2}[pixel], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


class Pixels(unittest.TestCase):
    rows = [bytes((x * y * 7 + x) % 256 for x in range(12)) for y in range(5)]

    def test_filters_make_no_difference(self):
        plain = written(self.rows, [0] * 5, 3)
        self.assertEqual(pixels.samples(plain)[1], b"".join(self.rows))
        self.assertEqual(pixels.difference(plain, written(self.rows, [1, 2, 3, 4, 4], 3)), 0)

    def test_the_greatest_difference_is_found(self):
        other = [*self.rows[:-1], bytes([self.rows[-1][0] + 5, *self.rows[-1][1:]])]
        self.assertEqual(pixels.difference(written(self.rows, [0] * 5, 3), written(other, [4] * 5, 3)), 5)

    def test_pictures_of_another_size_cannot_be_compared(self):
        self.assertIsNone(pixels.difference(written(self.rows, [0] * 5, 3), written(self.rows[:4], [0] * 4, 3)))
        self.assertIsNone(pixels.difference(b"no PNG", b"no PNG"))


class Steady(unittest.TestCase):
    right = collections.Counter({("tile", 200): 950, ("none", 404): 25, ("wrong", 400): 25})

    def test_memory_within_a_twentieth_and_right_answers_pass(self):
        self.assertEqual(failed(steady.judge([100, 130, 104], self.right)), [])
        self.assertEqual(len(failed(steady.judge([100, 106], self.right))), 1)

    def test_answers_that_are_not_right_do_not_pass(self):
        for answer in (("tile", 500), ("tile", 404), ("none", 200), ("manifest", "ConnectionResetError")):
            self.assertEqual(len(failed(steady.judge([100, 100], self.right + collections.Counter([answer])))), 1, answer)
        few = collections.Counter({("tile", 200): 80, ("wrong", 400): 20})
        self.assertEqual(len(failed(steady.judge([100, 100], few))), 1)

    def test_every_kind_of_request_has_a_path(self):
        rnd = random.Random(1)
        for kind in steady.MIX:
            for _ in range(50):
                self.assertTrue(steady.path_of(kind, rnd, [("/a", 300, 7, 512, ["webp"])], ["/m"]).startswith("/"), kind)


class Peers(unittest.TestCase):
    info = {"width": 1000, "height": 700, "tiles": [{"width": 256, "scaleFactors": [1, 2, 4, 8]}]}

    def test_tiles_cover_the_image_once_in_each_scale(self):
        for scale, cut in ((1, 6), (2, 3)):
            found = [paths.tile_at(self.info, scale, column, row) for row in range(-1, 4) for column in range(-1, 5)]
            found = [tile for tile in found if tile]
            areas = [tuple(map(int, region.split(",")))[2:] for region, _, _ in found]
            self.assertEqual(sum(w * h for w, h in areas), 1000 * 700, scale)
            self.assertEqual([size for _, size, _ in found], [(-(-w // scale), -(-h // scale)) for w, h in areas])
            self.assertEqual(sum(is_cut for _, _, is_cut in found), cut, scale)
        self.assertEqual(list(paths.tiles(self.info))[-2:], [("full", (250, 175), False), ("full", (125, 88), False)])

    def test_a_session_asks_for_no_tile_twice_and_ends_in_full_size(self):
        tiles = list(paths.session({**self.info, "width": 9000, "height": 7000}, random.Random(1)))
        self.assertEqual(len(set(tiles)), len(tiles))
        region, size, _ = tiles[-1]
        self.assertEqual(tuple(map(int, region.split(",")))[2:], size)

    def test_wrong_answers_are_told(self):
        frame = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 100, 200) + bytes(20) + b"\xff\xd9"
        path = "/iiif/a.jpg/0,0,9,9/{}/0/default.jpg"
        self.assertEqual(answers.jpeg_size(frame), (200, 100))
        for asked, size, status, body, is_wrong in (
                ("200,100", (200, 100), 200, frame, False), ("200,100", (200, 101), 200, frame, True),
                ("200,", (200, 101), 200, frame, False), ("200,", (200, 102), 200, frame, True),
                ("200,100", (200, 100), 404, frame, True), ("200,100", (200, 100), 200, frame[:-2], True)):
            self.assertEqual(answers.fault(path.format(asked), size, status, body) is not None, is_wrong, (asked, size, status))
        self.assertIsNone(answers.fault("/iiif/a.jpg/info.json", None, 200, b'{"width": 3, "height": 4}'))
        self.assertIsNotNone(answers.fault("/iiif/a.jpg/info.json", None, 200, b"no JSON"))

    def test_scans_are_the_same_whatever_stands_before_them(self):
        scan = b"\xff\xda\x00\x04ab\x12\x34\xff\xd9"
        self.assertEqual(answers.scans(b"\xff\xd8\xff\xe1\x00\x04hi" + scan), scan)
        self.assertEqual(answers.scans(b"\xff\xd8" + scan), scan)

    def test_each_work_is_about_servers_that_there_are(self):
        for name, work in works.WORKS.items():
            self.assertLessEqual(set(work.beside), {"nginx", "iipsrv", "sharp"}, name)
            self.assertIn(work.way, ("once", "loop"), name)


if __name__ == "__main__":
    unittest.main()
