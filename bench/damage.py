"""Damage to files: cut, flipped, overwritten, numbers made huge, pieces moved."""

HUGE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(file, chance):
    """The file with one to four kinds of damage, half of it near the beginning, where the numbers are."""
    file = bytearray(file)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        size = max(len(file), 1)
        at = chance.randrange(min(size, 1024)) if chance.random() < 0.5 else chance.randrange(size)
        kind = chance.randrange(9)
        if kind == 0:
            del file[max(at, 1):]
        elif kind == 1:
            for place in [at] + [chance.randrange(size) for _ in range(chance.randrange(8))]:
                if place < len(file):
                    file[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            file[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 3:
            length = min(chance.randrange(1, 64), size - at)
            file[at:at + length] = bytes([chance.choice((0, 0xFF))]) * length
        elif kind == 4:
            length = chance.choice((2, 4, 8))
            number = chance.choice(HUGE) + chance.choice((0, 0, 1, -1))
            file[at:at + length] = (number % (1 << 8 * length)).to_bytes(length, chance.choice(("big", "little")))
        elif kind == 5:
            begin = chance.randrange(size)
            file[at:at] = file[begin:begin + chance.randrange(1, 400)]
        elif kind == 6:
            del file[at:at + chance.randrange(1, 64)]
        elif kind == 7:
            length = min(chance.randrange(1, 4096), size - at)
            file[at:at + length] = chance.randbytes(length)
        else:
            other = chance.randrange(size)
            length = chance.randrange(1, 64)
            one, two = file[at:at + length], file[other:other + length]
            file[at:at + len(two)], file[other:other + len(one)] = two, one
    return bytes(file) or b"\0"
