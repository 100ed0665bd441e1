"""The package beside the notebook's own class."""

import pickle

import numpy as np
import pytest

import notebook
import twolayer

NAMES = ("W1", "b1", "W2", "b2")


def script(network_class, data, iterations):
    """The notebook's script."""
    (x, t), (xt, tt) = data
    np.random.seed(0)
    net = network_class(input_size=64, hidden_size=50, output_size=10, weight_init_std=0.01)
    record = []
    for i in range(iterations):
        m = np.random.choice(len(x), 100)
        g = net.gradient(x[m], t[m])
        for k in NAMES:
            net.params[k] -= 0.1 * g[k]
        if i % 100 == 0:
            record.append((net.loss(x[m], t[m]), net.accuracy(xt, tt)))
    return net, np.array(record)


def test_the_script_computes_what_the_notebooks_class_does(digits):
    want, wanted = script(notebook.TowLayerNet, digits, 1000)
    assert twolayer.TowLayerNet is twolayer.TwoLayerNet
    net, record = script(twolayer.TowLayerNet, digits, 1000)
    for name in NAMES:
        np.testing.assert_allclose(net.params[name], want.params[name], rtol=0, atol=1e-12)
    np.testing.assert_allclose(record[:, 0], wanted[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(record[:, 1], wanted[:, 1])
    assert record[-1, 1] > 0.6


def test_fit_draws_and_trains_as_the_script(digits):
    (x, t), _ = digits
    want, _ = script(twolayer.TwoLayerNet, digits, 1234)
    np.random.seed(0)
    net = twolayer.TwoLayerNet(64, 50, 10)
    history = net.fit(x, t, iterations=1234)
    assert history.loss.shape == (1234,)
    for name in NAMES:
        np.testing.assert_allclose(net.params[name], want.params[name], rtol=0, atol=1e-13)


def test_the_exact_loss_has_no_epsilon(digits):
    (x, t), _ = digits
    net = twolayer.TwoLayerNet(64, 20, 10, loss_epsilon=0)
    y = net.predict(x)
    assert net.loss(x, t) == pytest.approx(-np.log(y[t == 1]).mean(), abs=1e-13)
    rough = pickle.loads(pickle.dumps(net))
    rough._native.loss_epsilon = 1e-7
    assert rough.loss(x, t) == pytest.approx(-np.log(y[t == 1] + 1e-7).mean(), abs=1e-13)


def test_numerical_gradients_are_the_notebooks(digits):
    (x, t), _ = digits
    x, t = x[:20], t[:20]
    np.random.seed(5)
    net = twolayer.TwoLayerNet(64, 7, 10, weight_init_std=0.3)
    peer = notebook.TowLayerNet(64, 7, 10)
    peer.params = {name: array.copy() for name, array in net.params.items()}
    got, want = net.numerical_gradient(x, t), peer.numerical_gradient(x.astype(float), t)
    back = net.gradient(x, t)
    for name in NAMES:
        # The notebook's loss has 1e-7 in its logarithm, of which the derivative is about that far off.
        np.testing.assert_allclose(got[name], want[name], rtol=0, atol=1e-6)
        np.testing.assert_allclose(got[name], back[name], rtol=0, atol=1e-9)
        assert got[name].shape == back[name].shape == net.params[name].shape


def test_the_notebooks_own_words_work(digits):
    """Loops over params, of which optimisers of the book are made."""
    (x, t), _ = digits
    net = twolayer.TwoLayerNet(64, 20, 10)
    velocity = {name: np.zeros_like(array) for name, array in net.params.items()}
    before = net.loss(x, t)
    for _ in range(20):
        g = net.gradient(x, t)
        for key in net.params.keys():
            velocity[key] = 0.9 * velocity[key] - 0.1 * g[key]
            net.params[key] += velocity[key]
    assert net.loss(x, t) < before
