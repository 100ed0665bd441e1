"""MNIST and its relatives, from a folder."""

import os
from pathlib import Path
from typing import Any, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from . import _native

Set = Tuple[NDArray[Any], NDArray[Any]]


def load_mnist(
    path: Union[str, "os.PathLike[str]"] = "data/mnist",
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
) -> Tuple[Set, Set]:
    """The training set and the test set in the four IDX files of a folder, raw or gzip: ``(x, t), (xt, tt)``.

    Args:
        path: The folder. ``twolayer fetch mnist`` of the command line fills ``data/mnist``.
        normalize: Pixels from 0 to 1, as float32; else from 0 to 255, as uint8.
        flatten: ``(rows, pixels)``; else ``(rows, 1, height, width)``.
        one_hot_label: Labels as one-hot rows of float64; else as classes, uint8.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If a file is missing, damaged, or does not fit the others.
    """
    if not Path(path).is_dir():
        raise FileNotFoundError(f"{os.fspath(path)}: there is no such folder; `twolayer fetch mnist` fills data/mnist")
    train, test = _native.load_idx(os.fspath(path))
    classes = 1 + max(int(train[1].max()), int(test[1].max()))

    def converted(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Set:
        rows, height, width = images.shape
        x: NDArray[Any] = images.reshape(rows, -1) if flatten else images.reshape(rows, 1, height, width)
        if normalize:
            x = x.astype(np.float32)
            x /= 255
        return x, np.eye(classes)[labels] if one_hot_label else labels

    return converted(*train), converted(*test)
