from pathlib import Path

import numpy as np
import pytest

from twolayer import TwoLayerNet, load_mnist

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="session")
def digits():
    """The bundled digits, 8 x 8: floats and one-hot labels."""
    return load_mnist(DATA, normalize=True, flatten=True, one_hot_label=True)


@pytest.fixture
def net():
    np.random.seed(1)
    return TwoLayerNet(64, 20, 10)
