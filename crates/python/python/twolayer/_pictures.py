"""Pictures of digits of the user's own."""

import os
from math import isqrt
from typing import TYPE_CHECKING, Any, List, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _native

if TYPE_CHECKING:
    from ._network import TwoLayerNet

#: The luma of red, green and blue, ITU-R BT.709.
_LUMA = np.array([0.2126, 0.7152, 0.0722])


class ImagePrediction(NamedTuple):
    """What `TwoLayerNet.predict_image` returns."""

    #: The most probable class.
    digit: int
    #: Of each class.
    probabilities: NDArray[Any]
    #: What the network saw, ``(side, side)`` of uint8, 0 for paper.
    pixels: NDArray[np.uint8]
    #: On what was done to the picture.
    notes: List[str]


def predict_image(net: "TwoLayerNet", picture: Any) -> ImagePrediction:
    """See `TwoLayerNet.predict_image`."""
    inputs = net.shape[0]
    side = isqrt(inputs)
    if side * side != inputs:
        raise ValueError(f"the network has {inputs} inputs, not those of a square such as 28 x 28")
    if isinstance(picture, (str, os.PathLike)):
        # For the system's own exception.
        with open(picture, "rb"):
            pass
        pixels, notes = _native.read_picture(os.path.abspath(picture), side)
    else:
        pixels, notes = _native.prepare_picture(_luma_alpha(picture), side)
    probabilities = net.predict(pixels.ravel())
    return ImagePrediction(int(probabilities.argmax()), probabilities, pixels, notes)


def _luma_alpha(picture: Any) -> NDArray[np.uint8]:
    """The picture as height x width x (luma, opacity)."""
    if hasattr(picture, "convert"):
        # PIL's, whatever its mode.
        picture = picture.convert("RGBA")
    array = np.asarray(picture)
    if array.ndim not in (2, 3) or array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4) or not array.size:
        raise ValueError(f"the picture has shape {array.shape}; expected (height, width) or (height, width, 1 to 4)")
    if array.dtype.kind == "f":
        if not ((array >= 0) & (array <= 1)).all():
            raise ValueError("the picture has floats that are not from 0 to 1")
        array = np.rint(array * 255)
    elif array.dtype not in (np.uint8, np.bool_):
        raise TypeError(f"the picture has dtype {array.dtype}; expected uint8, bool, or floats from 0 to 1")
    elif array.dtype == np.bool_:
        array = array * 255
    array = array[..., np.newaxis] if array.ndim == 2 else array
    luma = array[..., 0] if array.shape[2] < 3 else np.rint(array[..., :3] @ _LUMA)
    alpha = array[..., -1] if array.shape[2] in (2, 4) else np.full(luma.shape, 255)
    return np.stack([luma, alpha], axis=2).astype(np.uint8)
