"""The notebook's numerical gradient in NumPy, f64: the time for all parameters, from that for some of them."""

import json
import statistics
import time

import digits
import numpy as np

SOME = 1000  # parameters: what all of them take is in proportion
REPEATS = 5
H = 1e-4


def main():
    args = digits.arguments()
    x = digits.floats(digits.images(args.data, "train")[: args.batch], np.float64)
    t = digits.one_hot(digits.labels(args.data, "train")[: args.batch], np.float64)
    params = w1, b1, w2, b2 = digits.parameters(x.shape[1], args.hidden, np.float64)

    def loss():
        z = 1 / (1 + np.exp(-(x @ w1 + b1)))
        logits = z @ w2 + b2
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return -(t * np.log(e / e.sum(axis=1, keepdims=True) + 1e-7)).sum() / len(x)

    def difference(i):
        was = w1.flat[i]
        w1.flat[i] = was + H
        up = loss()
        w1.flat[i] = was - H
        down = loss()
        w1.flat[i] = was
        return (up - down) / (2 * H)

    def once():
        start = time.perf_counter()
        gradient = [difference(i) for i in range(SOME)]
        assert np.isfinite(gradient).all()
        return (time.perf_counter() - start) / SOME

    count = sum(p.size for p in params)
    once()
    seconds = statistics.median(once() for _ in range(REPEATS)) * count
    print(json.dumps({"numerical_seconds": seconds, "parameters": count}))


main()
