"""The loop of `TwoLayerNet.fit`, and what it records."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional, Tuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native

if TYPE_CHECKING:
    from ._network import TwoLayerNet

#: Iterations of a native call where nothing happens between epochs.
_PIECE = 1000


class Progress(NamedTuple):
    """Where training is, after an epoch."""

    #: Epochs so far; not whole at the end of a run that ends within one.
    epoch: float
    #: Iterations so far.
    iteration: int
    #: The mean loss of the epoch's batches, each before its update.
    loss: float
    #: Of the validation rows, if there are any.
    validation_loss: Optional[float]
    #: Of the validation rows, if there are any.
    validation_accuracy: Optional[float]


def _floats() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass
class History:
    """What `TwoLayerNet.fit` records."""

    #: The loss of each iteration's batch, before its update.
    loss: NDArray[np.float64] = field(default_factory=_floats)
    #: Epochs after which the validation rows were evaluated.
    epoch: NDArray[np.float64] = field(default_factory=_floats)
    #: Their loss.
    validation_loss: NDArray[np.float64] = field(default_factory=_floats)
    #: Their accuracy.
    validation_accuracy: NDArray[np.float64] = field(default_factory=_floats)


def train(
    net: "TwoLayerNet",
    data: Tuple[ArrayLike, ArrayLike],
    length: Tuple[Optional[int], Optional[int], int],
    rule: Tuple[str, float, float],
    validation: Optional[Tuple[ArrayLike, ArrayLike]],
    callback: Optional[Callable[[Progress], Optional[bool]]],
    seed: Optional[int],
) -> History:
    """See `TwoLayerNet.fit`."""
    epochs, iterations, batch = length
    name, lr, decay = rule
    x, t = net._native.prepare(*data)
    rows = len(t)
    if batch < 1:
        raise ValueError(f"batch_size is {batch}; expected 1 or more")
    if epochs is not None and iterations is not None:
        raise ValueError("epochs and iterations are given; give one of them")
    epoch = max(rows // batch, 1)
    total = iterations if iterations is not None else 10_000 if epochs is None else epochs * epoch
    held_out = None if validation is None else net._native.prepare(*validation)
    optimizer = _native.Optimizer(net._native, name, decay)
    choice: Any = np.random.choice if seed is None else np.random.RandomState(seed).choice
    piece = epoch if callback or held_out else max(epoch, _PIECE)
    losses: List[NDArray[np.float64]] = []
    records: List[Progress] = []
    try:
        for first in range(0, total, piece):
            batches = choice(rows, (min(piece, total - first), batch)).astype(np.int64, copy=False)
            losses.append(optimizer.train(net._native, x, t, batches, lr, first))
            if callback or held_out:
                evaluation = (None, None) if held_out is None else net._native.evaluate(*held_out)
                done = first + len(batches)
                progress = Progress(done / epoch, done, float(losses[-1].mean()), *evaluation)
                records.append(progress)
                if callback and callback(progress):
                    break
    finally:
        net.history = _history(losses, records if held_out else [])
    return net.history


def _history(losses: List[NDArray[np.float64]], records: List[Progress]) -> History:
    columns = [np.array([record[i] for record in records], dtype=float) for i in (0, 3, 4)]
    return History(np.concatenate([_floats(), *losses]), *columns)
