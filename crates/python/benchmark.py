"""The notebook's script, numerical gradients and calls beside NumPy's class: medians of rounds in one run.

    python benchmark.py data/mnist [path of the program `twolayer`]
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "tests"))
import notebook  # noqa: E402

from twolayer import TwoLayerNet, load_mnist  # noqa: E402

ROUNDS = 5


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def script(net, x, t, iterations):
    for _ in range(iterations):
        m = np.random.choice(len(x), 100)
        g = net.gradient(x[m], t[m])
        for k in ("W1", "b1", "W2", "b2"):
            net.params[k] -= 0.1 * g[k]


def main(data, program=None):
    (x, t), _ = load_mnist(data, one_hot_label=True)
    (pixels, classes), _ = load_mnist(data, normalize=False)
    iterations = 1000
    ours = {dtype: TwoLayerNet(784, 50, 10, dtype=dtype) for dtype in ("float64", "float32")}
    peer = notebook.TowLayerNet(784, 50, 10)
    batch = x[:100], t[:100]
    one = x[0].astype(float)
    # NumPy's numerical gradient of 50 parameters, of 39,760.
    small = np.zeros((5, 10))

    def part_of_numerical():
        w2, peer.params["W2"] = peer.params["W2"], peer.params["W2"].copy()
        view = peer.params["W2"][:5]
        notebook.numerical_gradient(lambda _: peer.loss(*batch), view)
        peer.params["W2"] = w2

    def fit():
        TwoLayerNet(784, 50, 10, dtype="float32").fit(pixels, classes, iterations=10_000)

    runs = {}
    if program:
        def driver():
            command = [program, "train", "--quiet", "--json", "--data", data, "--iters", "10000"]
            return json.loads(subprocess.check_output(command))["train_seconds"]

        runs["the program's training"] = driver
    runs |= {
        # After the program: threads of NumPy's BLAS go on spinning for a tenth of a second.
        "fit, float32, 10,000 iterations": lambda: seconds(fit),
        "script, NumPy": lambda: seconds(lambda: script(peer, x, t, iterations)) / iterations,
        "script, float64": lambda: seconds(lambda: script(ours["float64"], x, t, iterations)) / iterations,
        "script, float32": lambda: seconds(lambda: script(ours["float32"], x, t, iterations)) / iterations,
        "gradient, NumPy": lambda: seconds(lambda: [peer.gradient(*batch) for _ in range(300)]) / 300,
        "gradient, float64": lambda: seconds(lambda: [ours["float64"].gradient(*batch) for _ in range(300)]) / 300,
        "gradient, float32": lambda: seconds(lambda: [ours["float32"].gradient(*batch) for _ in range(300)]) / 300,
        "numerical gradient, NumPy": lambda: seconds(part_of_numerical) / small.size * 39_760,
        "numerical gradient, float64": lambda: seconds(lambda: ours["float64"].numerical_gradient(*batch)),
        "predict one row": lambda: seconds(lambda: [ours["float64"].predict(one) for _ in range(10_000)]) / 10_000,
    }
    times = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(run())
    for name, values in times.items():
        print(f"{name:34} {1e6 * statistics.median(values):14,.1f} µs")


if __name__ == "__main__":
    main(*sys.argv[1:])
