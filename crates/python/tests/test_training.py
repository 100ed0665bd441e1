"""fit, gradcheck, and files."""

import _thread
import threading
import time

import numpy as np
import pytest

from conftest import DATA
from twolayer import TwoLayerNet, load_mnist


def same(a, b):
    return all(np.array_equal(a.params[name], b.params[name]) for name in a.params)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_every_optimizer_learns_and_records(digits, optimizer):
    (x, t), (xt, tt) = digits
    net = TwoLayerNet(64, 30, 10, dtype="float32", activation="relu", init="he", seed=0)
    lr = 0.5 if optimizer == "sgd" else 0.01 if optimizer in ("adam", "rmsprop", "adagrad") else 0.1
    seen = []
    history = net.fit(x, t, epochs=20, optimizer=optimizer, lr=lr, validation=(xt, tt), callback=seen.append, seed=1)
    assert len(history.loss) == 20 * 14 and history.loss.dtype == float
    np.testing.assert_array_equal(history.epoch, np.arange(1, 21))
    assert history.validation_accuracy[-1] == net.accuracy(xt, tt) > 0.8
    assert history.validation_loss[-1] == net.loss(xt, tt)
    assert [p.iteration for p in seen] == list(range(14, 281, 14))
    assert seen[3].loss == pytest.approx(history.loss[42:56].mean())
    assert seen[3].validation_loss == history.validation_loss[3]


def test_the_optimizers_state_outlives_an_epoch(digits):
    """A run in pieces is the run in one."""
    (x, t), _ = digits
    nets = []
    for callback in (None, lambda progress: None):
        np.random.seed(0)
        net = TwoLayerNet(64, 30, 10)
        net.fit(x, t, iterations=50, optimizer="adam", lr=0.01, weight_decay=1e-3, callback=callback)
        nets.append(net)
    assert same(*nets)


def test_seeds_threads_and_input_types_do_not_change_a_run(digits):
    (x, t), _ = digits
    (pixels, labels), _ = load_mnist(DATA, normalize=False)
    nets = []
    for data, threads in (((x, t), 1), ((x, t), 2), ((pixels, labels), None)):
        np.random.seed(0)
        net = TwoLayerNet(64, 100, 10)
        np.random.seed(len(nets))
        net.fit(*data, epochs=3, seed=9, threads=threads)
        assert net.threads is None
        nets.append(net)
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])


def test_a_callback_ends_training_and_its_errors_are_the_users(digits):
    (x, t), _ = digits
    net = TwoLayerNet(64, 20, 10)
    assert len(net.fit(x, t, epochs=50, callback=lambda progress: progress.epoch == 2).loss) == 28

    def fail(progress):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        net.fit(x, t, epochs=5, callback=fail)
    assert len(net.history.loss) == 14


def test_ctrl_c_ends_training_soon(digits):
    (x, t), _ = digits
    net = TwoLayerNet(64, 50, 10)
    before = net.params["W1"].copy()
    threading.Timer(0.3, _thread.interrupt_main).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        net.fit(x, t, epochs=100_000_000)
    assert time.perf_counter() - start < 2
    assert (net.params["W1"] != before).any()


def test_divergence_and_options_are_errors(digits):
    (x, t), _ = digits
    net = TwoLayerNet(64, 20, 10, dtype="float32", activation="relu")
    with pytest.raises(FloatingPointError, match="training diverged"):
        net.fit(x, t, iterations=1000, lr=1e30)
    net = TwoLayerNet(64, 20, 10)
    for options, message in [
        ({"epochs": 1, "iterations": 1}, "give one of them"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"lr": -1.0}, "learning_rate is -1"),
        ({"lr": float("nan")}, "learning_rate is NaN"),
        ({"optimizer": "sdg"}, "optimizer is 'sdg'; expected sgd"),
        ({"weight_decay": -1.0}, "weight_decay is -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            net.fit(x, t, **options)


def test_gradcheck_finds_a_wrong_line(digits, monkeypatch):
    (x, t), _ = digits
    for dtype in ("float64", "float32"):
        net = TwoLayerNet(64, 20, 10, weight_init_std=0.3, dtype=dtype)
        report = net.gradcheck(x[:50], t[:50])
        assert report.passed and [check.name for check in report.parameters] == ["W1", "b1", "W2", "b2"]
        assert str(report).count("pass") == 4 and "Passed" in str(report)
    from twolayer import _gradcheck

    right = net.gradient(x[:50], t[:50])
    wrong = {**right, "b1": right["b1"] * 1.001}
    report = _gradcheck.compare(wrong, right, 1e-9)
    assert not report.passed and "FAILED" in str(report)
    assert [check.verdict for check in report.parameters] == ["pass", "FAIL", "pass", "pass"]
    assert report.parameters[1].worst == (int(np.abs(right["b1"]).argmax()),)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_saved_networks_are_loaded_to_the_bit(tmp_path, digits, dtype, activation):
    x = digits[0][0]
    net = TwoLayerNet(64, 20, 10, dtype=dtype, activation=activation)
    for name in ("digits.model", "digits.npz"):
        net.save(tmp_path / name)
        read = TwoLayerNet.load(tmp_path / name)
        assert same(net, read) and (read.dtype, read.activation) == (net.dtype, net.activation)
        np.testing.assert_array_equal(read.predict(x), net.predict(x))
    arrays = np.load(tmp_path / "digits.npz")
    np.testing.assert_array_equal(arrays["W1"], net.params["W1"])
    net.save(tmp_path / "digits.onnx")
    assert b"Softmax" in (tmp_path / "digits.onnx").read_bytes()


def test_files_that_cannot_be_are_errors(tmp_path, net):
    with pytest.raises(FileNotFoundError):
        TwoLayerNet.load(tmp_path / "none.model")
    with pytest.raises(FileNotFoundError):
        net.save(tmp_path / "none" / "digits.model")
    with pytest.raises(IsADirectoryError):
        net.save(tmp_path)
    with pytest.raises(ValueError, match="ONNX files are written, not read"):
        TwoLayerNet.load("digits.onnx")
    for content in (b"", b"PK\3\4 no archive", b"hello"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ValueError, match="bad"):
            TwoLayerNet.load(tmp_path / "bad")
    net.params["b2"][3] = np.inf
    with pytest.raises(ValueError, match="b2"):
        net.save(tmp_path / "infinite.model")
    assert not (tmp_path / "infinite.model").exists()


def test_load_mnist_has_the_books_forms(tmp_path):
    (x, t), (xt, tt) = load_mnist(DATA)
    assert (x.shape, x.dtype, t.shape, t.dtype) == ((1437, 64), np.float32, (1437,), np.uint8)
    assert xt.shape == (360, 64) and x.max() == 1 and x.min() == 0
    (pixels, one_hot), _ = load_mnist(DATA, normalize=False, flatten=False, one_hot_label=True)
    assert (pixels.shape, pixels.dtype) == ((1437, 1, 8, 8), np.uint8)
    np.testing.assert_array_equal(one_hot.argmax(axis=1), t)
    np.testing.assert_array_equal(pixels.reshape(1437, 64) / np.float32(255), x)
    with pytest.raises(FileNotFoundError, match="twolayer fetch mnist"):
        load_mnist(tmp_path / "none")
    with pytest.raises(ValueError, match="train"):
        load_mnist(tmp_path)
