"""The recipe in NumPy, in f32 or f64 (`--variant`)."""

import digits
import numpy as np


def train(x, t, params, args, iterations):
    w1, b1, w2, b2 = params
    rng = np.random.default_rng(1)
    rate = w1.dtype.type(args.lr / args.batch)
    for rows in rng.integers(len(x), size=(iterations, args.batch)):
        xb = x.take(rows, axis=0)
        z = 1 / (1 + np.exp(-(xb @ w1 + b1)))
        logits = z @ w2 + b2
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        d = e / e.sum(axis=1, keepdims=True) - t.take(rows, axis=0)
        da = d @ w2.T * (z * (1 - z))
        w1 -= rate * (xb.T @ da)
        b1 -= rate * da.sum(axis=0)
        w2 -= rate * (z.T @ d)
        b2 -= rate * d.sum(axis=0)
    return params


def main():
    args = digits.arguments()
    dtype = np.dtype(args.variant or "f4")
    x = digits.floats(digits.images(args.data, "train"), dtype)
    t = digits.one_hot(digits.labels(args.data, "train"), dtype)

    def start():
        return digits.parameters(x.shape[1], args.hidden, dtype)

    train(x, t, start(), args, digits.WARM_UP)
    params = start()
    digits.report(lambda: train(x, t, params, args, args.iters), args)


main()
