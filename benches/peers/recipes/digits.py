"""What every recipe shares: arguments, digits, initial parameters, the clock, and the report."""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np

CLASSES = 10
WARM_UP = 10  # iterations before the clock starts, on parameters of their own


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", help="folder with the four files of MNIST")
    parser.add_argument("--variant", default="")
    for name, default in (("threads", 1), ("hidden", 50), ("batch", 100), ("iters", 10_000)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--lr", type=float, default=0.1)
    return parser.parse_args()


def idx(folder, name):
    """The bytes of an IDX file, raw or gzip, in its shape."""
    raw, packed = Path(folder, name), Path(folder, name + ".gz")
    data = raw.read_bytes() if raw.exists() else gzip.decompress(packed.read_bytes())
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def images(folder, split):
    pixels = idx(folder, split + "-images-idx3-ubyte")
    return pixels.reshape(len(pixels), -1)


def labels(folder, split):
    return idx(folder, split + "-labels-idx1-ubyte")


def floats(pixels, dtype=np.float32):
    return np.divide(pixels, 255, dtype=dtype)


def one_hot(classes, dtype=np.float32):
    return np.eye(CLASSES, dtype=dtype)[classes]


def parameters(inputs, hidden, dtype=np.float32):
    """Weights of 0.01 times a normal number, and biases of zero: W1, b1, W2, b2."""
    rng = np.random.default_rng(0)
    w1 = 0.01 * rng.standard_normal((inputs, hidden))
    w2 = 0.01 * rng.standard_normal((hidden, CLASSES))
    return [p.astype(dtype) for p in (w1, np.zeros(hidden), w2, np.zeros(CLASSES))]


def accuracy(params, folder):
    """The share of the test set that the trained parameters get right."""
    w1, b1, w2, b2 = (np.asarray(p) for p in params)
    x = floats(images(folder, "t10k"), w1.dtype)
    logits = 1 / (1 + np.exp(-(x @ w1 + b1))) @ w2 + b2
    assert np.isfinite(logits).all(), "training diverged"
    return float((logits.argmax(1) == labels(folder, "t10k")).mean())


def report(train, args):
    """Times `train`, which returns the trained parameters, and prints what the runner reads."""
    start = time.perf_counter()
    params = train()
    seconds = time.perf_counter() - start
    print(json.dumps({"train_seconds": seconds, "test_accuracy": accuracy(params, args.data)}))
