"""The network as an estimator of scikit-learn."""

from typing import Any, Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ._network import TwoLayerNet


class TwoLayerClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A `TwoLayerNet` with scikit-learn's ``fit``, ``predict``, ``predict_proba`` and ``score``.

    Features should be about 0 to 1, or standardised. Labels may be of any kind.

    Args:
        hidden_size: Hidden units.
        activation: ``sigmoid`` or ``relu``.
        init: ``xavier``, ``he``, or None for ``weight_init_std``; see `TwoLayerNet`.
        weight_init_std: Standard deviation of the initial weights, if ``init`` is None.
        optimizer: As of `TwoLayerNet.fit`.
        lr: The learning rate.
        weight_decay: Added to the gradient, times the weight.
        batch_size: Rows of a mini-batch; fewer if there are fewer rows.
        epochs: How long to train.
        dtype: ``float64`` or ``float32``.
        random_state: Seed or generator of the initial weights and batches.

    Attributes:
        classes_: The labels, in the order of the columns of `predict_proba`.
        net_: The trained `TwoLayerNet`.
        history_: What its `fit` recorded.
        n_features_in_: Features.
    """

    def __init__(
        self,
        hidden_size: int = 50,
        *,
        activation: str = "sigmoid",
        init: Optional[str] = "xavier",
        weight_init_std: float = 0.01,
        optimizer: str = "adam",
        lr: float = 0.01,
        weight_decay: float = 0.0,
        batch_size: int = 100,
        epochs: int = 50,
        dtype: str = "float64",
        random_state: Any = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.activation = activation
        self.init = init
        self.weight_init_std = weight_init_std
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> "TwoLayerClassifier":
        """Trains a new network on rows ``X`` and their labels ``y``."""
        rows, labels = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(labels)
        self.classes_, classes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; a classifier needs at least two")
        random = check_random_state(self.random_state)
        net = TwoLayerNet(
            rows.shape[1],
            self.hidden_size,
            len(self.classes_),
            self.weight_init_std,
            dtype=self.dtype,
            activation=self.activation,
            init=self.init,
            seed=int(random.randint(2**31 - 1)),
        )
        self.history_ = net.fit(
            rows,
            classes,
            epochs=self.epochs,
            batch_size=min(self.batch_size, len(rows)),
            lr=self.lr,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            seed=int(random.randint(2**31 - 1)),
        )
        self.net_ = net
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """The probability of each class of ``classes_``: ``(rows, classes)``."""
        check_is_fitted(self)
        return self.net_.predict(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable label of each row."""
        best = np.argmax(self.predict_proba(X), axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels
