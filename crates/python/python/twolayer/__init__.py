"""The two-layer network of *Deep Learning from Scratch*, as native code.

    >>> import numpy as np
    >>> from twolayer import TwoLayerNet
    >>> net = TwoLayerNet(input_size=4, hidden_size=3, output_size=2)
    >>> net.predict(np.zeros(4)).shape
    (2,)

``TwoLayerNet`` has the notebook's methods and ``params``; ``fit`` trains without Python in the loop.
``TwoLayerClassifier`` is an estimator for scikit-learn, which it needs.
"""

from typing import TYPE_CHECKING, Any

from ._data import load_mnist
from ._gradcheck import GradcheckReport, ParameterCheck
from ._network import TwoLayerNet
from ._pictures import ImagePrediction
from ._training import History, Progress

if TYPE_CHECKING:
    from ._classifier import TwoLayerClassifier

#: The notebook's spelling.
TowLayerNet = TwoLayerNet

__all__ = [
    "GradcheckReport",
    "History",
    "ImagePrediction",
    "ParameterCheck",
    "Progress",
    "TowLayerNet",
    "TwoLayerClassifier",
    "TwoLayerNet",
    "load_mnist",
]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: scikit-learn takes a second, and is not required.
    if name == "TwoLayerClassifier":
        from ._classifier import TwoLayerClassifier

        return TwoLayerClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
