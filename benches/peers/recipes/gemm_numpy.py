"""Matrix products of NumPy, which is to say of OpenBLAS, in f32: seconds for each shape.

A shape is named as in benches/gemm.rs: MxKxN, with `-transposed` where A is stored as K x M.
"""

import argparse
import json
import statistics
import time

import numpy as np

SAMPLES = 20
SECONDS = 0.025  # that a sample takes, or more
WARM_UP = 0.15


def product(name):
    """A function that computes this product."""
    size, _, transposed = name.partition("-")
    m, k, n = map(int, size.split("x"))
    random = np.random.default_rng(0)
    a = random.random((k, m) if transposed else (m, k), np.float32)
    b = random.random((k, n), np.float32)
    c = np.empty((m, n), np.float32)
    return lambda: np.matmul(a.T if transposed else a, b, out=c)


def seconds(call, times):
    start = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - start


def measured(call):
    calls, spent = 0, 0.0
    while spent < WARM_UP:
        spent += seconds(call, 1)
        calls += 1
    times = max(1, round(SECONDS * calls / spent))
    return statistics.median(seconds(call, times) / times for _ in range(SAMPLES))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shapes", nargs="+")
    print(json.dumps({"seconds": {name: measured(product(name)) for name in parser.parse_args().shapes}}))


main()
