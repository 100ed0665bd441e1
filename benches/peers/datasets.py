"""MNIST and denser sets made of it: how many of the pixels are zero decides how fast it is to skip them."""

import gzip
from pathlib import Path

SPLITS = ("train", "t10k")
INVERTED = bytes(255 - pixel for pixel in range(256))
SIDE = 28  # pixels of a row of an image
HEADER = 16  # bytes before the pixels


def half(pixels):
    """Every second row inverted: about half of the pixels are not zero."""
    inverted = bytearray(pixels)
    for row in range(SIDE, len(pixels), 2 * SIDE):
        inverted[row : row + SIDE] = pixels[row : row + SIDE].translate(INVERTED)
    return inverted


SETS = {"MNIST": None, "half dense": half, "light paper": lambda pixels: pixels.translate(INVERTED)}


def read(folder, name):
    raw, packed = Path(folder, name), Path(folder, name + ".gz")
    return raw.read_bytes() if raw.exists() else gzip.decompress(packed.read_bytes())


def write(mnist, folder):
    """Writes the sets into a folder: name and path of each."""
    for i, (name, change) in enumerate(SETS.items()):
        if change is None:
            yield name, mnist
            continue
        here = Path(folder, str(i))
        here.mkdir()
        for split in SPLITS:
            images, labels = f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"
            found = read(mnist, images)
            (here / images).write_bytes(found[:HEADER] + change(found[HEADER:]))
            (here / labels).write_bytes(read(mnist, labels))
        yield name, str(here)
