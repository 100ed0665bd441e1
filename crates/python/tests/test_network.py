"""Weights as live arrays, inputs of every kind, and what is refused."""

import copy
import gc
import pickle
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from twolayer import TwoLayerNet

SHAPES = {"W1": (64, 20), "b1": (20,), "W2": (20, 10), "b2": (10,)}


def rows(n=5, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).random((n, 64)).astype(dtype)


def expected(net, x):
    p = {name: array.astype(float) for name, array in net.params.items()}
    z = 1 / (1 + np.exp(-(x @ p["W1"] + p["b1"])))
    e = np.exp(z @ p["W2"] + p["b2"])
    return e / e.sum(axis=1, keepdims=True)


def test_initial_weights_are_drawn_as_the_notebooks():
    np.random.seed(7)
    net = TwoLayerNet(64, 20, 10, weight_init_std=0.5)
    np.random.seed(7)
    np.testing.assert_array_equal(net.params["W1"], 0.5 * np.random.randn(64, 20))
    np.testing.assert_array_equal(net.params["W2"], 0.5 * np.random.randn(20, 10))
    assert not net.params["b1"].any() and not net.params["b2"].any()
    for init, scale in (("xavier", 64**-0.5), ("he", (2 / 64) ** 0.5)):
        np.random.seed(7)
        other = TwoLayerNet(64, 20, 10, init=init)
        np.testing.assert_allclose(other.params["W1"], net.params["W1"] / 0.5 * scale, rtol=1e-12)


def test_every_change_of_the_arrays_changes_the_network(net):
    x = rows()
    assert {name: array.shape for name, array in net.params.items()} == SHAPES
    net.params["W1"] += 0.25
    net.params["b1"][3:7] = 2
    net.params["W2"][::2, 1] *= -3
    w2 = net.params["W2"]
    w2[0, 0] = 5
    net.params["b2"] = np.arange(10.0)
    np.testing.assert_allclose(net.predict(x), expected(net, x), rtol=1e-12)
    net.params = {name: np.full(shape, 0.1) for name, shape in SHAPES.items()}
    assert w2[0, 0] == 0.1
    np.testing.assert_allclose(net.predict(x), 0.1, rtol=1e-12)


def test_assignments_that_do_not_fit_are_refused(net):
    with pytest.raises(ValueError, match=r"W1 has shape \(64, 20\).*\(20, 64\)"):
        net.params["W1"] = np.zeros((20, 64))
    with pytest.raises(KeyError):
        net.params["W3"] = 0
    with pytest.raises(TypeError):
        net.params["b2"] = np.zeros(10, complex)
    with pytest.raises(ValueError, match="expected W1, W2, b1 and b2"):
        net.params = {"W1": np.zeros((64, 20))}


def test_arrays_keep_their_memory_and_a_network_is_freed():
    net = TwoLayerNet(64, 20, 10)
    w1, alive = net.params["W1"], weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None
    w1 += 1
    assert w1.shape == (64, 20)


def test_memory_of_gradients_is_used_again_only_when_no_array_shows_it(net):
    x, t = rows(), np.arange(5)
    part = net.gradient(x, t)["W1"][3:5].T
    before = part.copy()
    kept = [net.gradient(rows(seed=k), t) for k in range(4)]
    copies = [{name: array.copy() for name, array in g.items()} for g in kept]
    del kept[1]["b1"], kept[1]["W1"], kept[2]
    addresses = {net.gradient(rows(seed=k), t)["W1"].ctypes.data for k in range(5, 25)}
    assert len(addresses) <= 3, "the memory of a gradient that is gone is used again"
    assert np.array_equal(part, before)
    for g, c in zip(kept, [copies[0], copies[1], copies[3]]):
        assert all(np.array_equal(g[name], c[name]) for name in g)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_inputs_of_every_kind_give_the_same(dtype, activation):
    np.random.seed(3)
    net = TwoLayerNet(64, 20, 10, weight_init_std=0.3, dtype=dtype, activation=activation)
    pixels = np.random.default_rng(0).integers(0, 256, (300, 64), dtype=np.uint8)
    x = (pixels / np.float32(255)).astype(np.float32)
    want = net.predict(x.astype(dtype))
    assert want.dtype == dtype and want.shape == (300, 10)
    np.testing.assert_allclose(want.sum(axis=1), 1, rtol=1e-5)
    locked = x.astype(dtype)
    locked.flags.writeable = False
    misaligned = np.frombuffer(b"\0" + x.tobytes(), dtype=np.float32, count=x.size, offset=1).reshape(x.shape)
    kinds = [
        pixels,
        x,
        x.astype(np.float64),
        locked,
        misaligned,
        np.asfortranarray(x),
        np.repeat(x, 3, axis=1)[:, 1::3],
        x[::-1][::-1],
        x.astype(">f4"),
        x.astype(float).tolist(),
        np.asfortranarray(pixels),
    ]
    for kind in kinds:
        np.testing.assert_array_equal(net.predict(kind), want)
    np.testing.assert_array_equal(net.predict(pixels[7]), want[7])
    np.testing.assert_array_equal(net.predict(x[7]), want[7])


def test_labels_of_every_kind_give_the_same(net):
    x, classes = rows(), np.array([3, 0, 9, 9, 1])
    one_hot = np.eye(10)[classes]
    want = net.gradient(x, one_hot)
    for t in (classes, classes.tolist(), classes.astype(np.uint8), classes[::-1][::-1], classes.astype(">i2"),
              one_hot.astype(int), one_hot.astype(bool), one_hot.astype(np.float32), np.asfortranarray(one_hot)):  # fmt: skip
        for name, gradient in net.gradient(x, t).items():
            np.testing.assert_array_equal(gradient, want[name])
        assert net.loss(x, t) == net.loss(x, one_hot) and net.accuracy(x, t) == net.accuracy(x, one_hot)
    assert net.loss(x[0], 3) == net.loss(x[0], one_hot[0]) == net.loss(x[:1], [3])


@pytest.mark.parametrize("rows_of_batch", [1, 3, 100, 128, 129, 300])
def test_gradients_of_any_batch_after_any_other(rows_of_batch):
    """The buffers are used again."""
    np.random.seed(2)
    net = TwoLayerNet(64, 37, 10, weight_init_std=0.2)
    t = np.random.randint(0, 10, 300)
    x = rows(300)
    net.gradient(rows(70), t[:70])
    net.params["W1"] *= 1.5
    got = net.gradient(x[:rows_of_batch], t[:rows_of_batch])
    want = pickle.loads(pickle.dumps(net)).gradient(x[:rows_of_batch], t[:rows_of_batch])
    report = net.gradcheck(x[:rows_of_batch], t[:rows_of_batch])
    assert report.passed, str(report)
    for name in SHAPES:
        np.testing.assert_array_equal(got[name], want[name])


def nan(x, *at):
    x[at] = np.nan
    return x


@pytest.mark.parametrize(
    "x, t, error, message",
    [
        (np.zeros((5, 63)), [0] * 5, ValueError, r"x has shape \(5, 63\); expected \(64,\) or \(rows, 64\)"),
        (np.zeros((5, 8, 8)), [0] * 5, ValueError, r"x has shape \(5, 8, 8\)"),
        (np.zeros((0, 64)), [], ValueError, "at least one row"),
        (np.float64(1), [0], ValueError, r"x has shape \(\)"),
        (np.zeros((5, 64), int), [0] * 5, TypeError, "x has dtype int64; expected float64, float32 or uint8"),
        (np.zeros((5, 64), complex), [0] * 5, TypeError, "complex128"),
        (np.full((5, 64), "a"), [0] * 5, TypeError, "x has dtype <U1"),
        ([["a"] * 64], [0], TypeError, "x has dtype <U1"),
        ([[1.0] * 64, [1.0]], [0, 0], ValueError, "inhomogeneous"),
        (None, [0], TypeError, "x has dtype object"),
        (nan(np.zeros((5, 64)), 3, 17), [0] * 5, ValueError, r"x\[3, 17\] is NaN"),
        (nan(np.zeros(64), 17), 0, ValueError, r"x\[17\] is NaN"),
        (np.zeros((5, 64)), [0] * 4, ValueError, r"t has shape \(4,\); expected \(5,\), classes, or \(5, 10\), one-hot"),
        (np.zeros((5, 64)), np.zeros((5, 9)), ValueError, r"t has shape \(5, 9\)"),
        (np.zeros((5, 64)), 0, ValueError, r"t has shape \(\)"),
        (np.zeros((5, 64)), np.zeros((5, 10)), ValueError, r"t\[0\] is .*; expected one 1 among zeros"),
        (np.zeros((5, 64)), np.full((5, 10), 0.1), ValueError, "expected one 1"),
        (np.zeros((5, 64)), [0, 1, 2, 3, 10], IndexError, r"t\[4\] is 10; expected a class from 0 to 9"),
        (np.zeros((5, 64)), [0, -1, 2, 3, 1], IndexError, r"t\[1\] is -1"),
        (np.zeros((5, 64)), [2**40] * 5, IndexError, "1099511627776"),
        (np.zeros((5, 64)), [0.0] * 5, TypeError, "t has dtype float64; expected classes as integers"),
        (np.zeros((5, 64)), ["a"] * 5, TypeError, "t has dtype <U1"),
    ],
)
def test_what_does_not_fit_is_refused(net, x, t, error, message):
    for call in (net.loss, net.accuracy, net.gradient, net.numerical_gradient, net.gradcheck, net.fit):
        with pytest.raises(error, match=message):
            call(x, t)


def test_constructor_arguments_are_checked():
    with pytest.raises(ValueError, match="a network cannot have 0 hidden units"):
        TwoLayerNet(4, 0, 2)
    with pytest.raises(TypeError, match="dtype is int64; expected float64 or float32"):
        TwoLayerNet(4, 3, 2, dtype=int)
    with pytest.raises(ValueError, match="activation is 'tanh'; expected sigmoid or relu"):
        TwoLayerNet(4, 3, 2, activation="tanh")
    with pytest.raises(ValueError, match="init is 'zero'"):
        TwoLayerNet(4, 3, 2, init="zero")
    with pytest.raises(ValueError, match="threads is 0"):
        TwoLayerNet(4, 3, 2, threads=0)
    with pytest.raises(ValueError, match="loss_epsilon is -1"):
        TwoLayerNet(4, 3, 2, loss_epsilon=-1)


def test_weights_that_are_nan_give_nan_as_in_numpy(net):
    net.params["W2"][0, 0] = np.nan
    assert np.isnan(net.predict(rows())).any()
    assert np.isnan(net.loss(rows(), [0] * 5))


def test_copies_and_pickles_are_networks_of_their_own(net):
    net.threads = 1
    net.fit(rows(50), [1] * 50, iterations=3)
    x = rows()
    for other in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict(x), net.predict(x))
        assert (other.shape, other.dtype, other.threads) == (net.shape, net.dtype, 1)
        assert len(other.history.loss) == 3 and repr(other) == repr(net)
        other.params["b2"] += [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        assert (other.predict(x) != net.predict(x)).any()


def test_threads_may_call_at_once():
    """Each call sees weights of one moment, or of NumPy's write meanwhile, and the lock is released."""
    np.random.seed(0)
    net = TwoLayerNet(64, 200, 10, weight_init_std=0.1)
    x, t = rows(400), np.random.randint(0, 10, 400)
    want = net.gradient(x, t), net.predict(x), net.loss(x, t)
    failures = []

    def work():
        for _ in range(20):
            got = net.gradient(x, t), net.predict(x), net.loss(x, t)
            same = all(np.array_equal(got[0][name], want[0][name]) for name in SHAPES)
            if not (same and np.array_equal(got[1], want[1]) and got[2] == want[2]):
                failures.append("differs")

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not failures


def test_the_interpreter_is_free_during_long_calls():
    net = TwoLayerNet(64, 100, 10, threads=1)
    x, t = rows(1000), np.zeros(1000, int)
    for call in (lambda: net.predict(np.tile(x, (100, 1))), lambda: net.gradient(np.tile(x, (30, 1)), np.tile(t, 30)),
                 lambda: net.numerical_gradient(x, t), lambda: net.fit(x, t, iterations=3000)):  # fmt: skip
        ticks, done = 0, threading.Event()
        thread = threading.Thread(target=lambda call=call: (call(), done.set()))
        thread.start()
        while not done.is_set():
            time.sleep(0.0005)
            ticks += 1
        thread.join()
        assert ticks > 5


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted as Linux lists them")
def test_gradients_use_the_threads_that_were_set_last():
    def started():
        names = [task / "comm" for task in Path("/proc/self/task").iterdir()]
        return sum(name.read_text() == "twolayer\n" for name in names)

    gc.collect()
    before, net = started(), TwoLayerNet(64, 20, 10, threads=2)
    net.gradient(rows(), [0, 1, 2, 3, 4])
    assert started() == before + 1
    net.threads = 1
    net.gradient(rows(), [0, 1, 2, 3, 4])
    assert started() == before
