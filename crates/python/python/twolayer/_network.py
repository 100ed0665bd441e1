"""The network, with the notebook's methods."""

import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from ._gradcheck import GradcheckReport, compare
from ._pictures import ImagePrediction, predict_image
from ._training import History, Progress, train

PathLike = Union[str, "os.PathLike[str]"]

_KINDS = {".npz": "npz", ".onnx": "onnx"}


class Parameters(Mapping[str, NDArray[Any]]):
    """``W1``, ``b1``, ``W2`` and ``b2``: arrays that are the network's weights.

    A change of an array changes the network. Assigning to a name copies the values into its array.
    """

    __slots__ = ("_arrays",)

    def __init__(self, arrays: Dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        array = self._arrays[name]
        # As after `params[name] -= step`.
        if values is array:
            return
        values = np.asarray(values)
        if values.shape != array.shape:
            raise ValueError(f"{name} has shape {array.shape}; the values assigned to it have {values.shape}")
        np.copyto(array, values, casting="same_kind")

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {array.shape}" for name, array in self._arrays.items())
        return f"<parameters {shapes}>"


class TwoLayerNet:
    """A two-layer network: softmax(activation(x @ W1 + b1) @ W2 + b2).

    Initial weights are ``weight_init_std`` times numbers of ``np.random.randn``, W1's, then W2's, as in the notebook;
    biases are zero. Everywhere, ``x`` is one row of ``(input_size,)`` or ``(rows, input_size)``, as float64, float32 or
    uint8, whose 0 to 255 mean 0 to 1; ``t`` has a class for each row or one-hot rows.

    Args:
        input_size: Elements of a row.
        hidden_size: Hidden units.
        output_size: Classes.
        weight_init_std: Standard deviation of the initial weights.
        dtype: ``float64`` or ``float32``, of weights, gradients and results.
        activation: ``sigmoid`` or ``relu``.
        init: ``xavier`` or ``he`` instead of ``weight_init_std``: 1 / sqrt(n) or sqrt(2 / n), with n inputs of a unit.
        loss_epsilon: The loss is -log(p + loss_epsilon); 1e-7 as in the notebook, 0 for the exact cross-entropy.
            Gradients are those of the exact one.
        threads: The threads that a call uses; by default, the number that was measured to be fastest.
        seed: Of a generator for the initial weights; by default they come from the global ``np.random``.

    Raises:
        ValueError: If a size is 0, or an option is unknown.
        TypeError: If ``dtype`` is neither float64 nor float32.
    """

    #: What the last call of `fit` recorded.
    history: Optional[History]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        dtype: DTypeLike = "float64",
        activation: str = "sigmoid",
        init: Optional[str] = None,
        loss_epsilon: float = 1e-7,
        threads: Optional[int] = None,
        seed: Optional[int] = None,
    ) -> None:
        gains = {"xavier": 1.0, "he": 2.0}
        if init is not None and init not in gains:
            raise ValueError(f"init is {init!r}; expected 'xavier', 'he', or None for weight_init_std")
        self._create((input_size, hidden_size, output_size), dtype, activation, loss_epsilon, threads)
        randn = np.random.randn if seed is None else np.random.RandomState(seed).randn
        for name, inputs, units in (("W1", input_size, hidden_size), ("W2", hidden_size, output_size)):
            std = weight_init_std if init is None else (gains[init] / inputs) ** 0.5
            self.params[name] = std * randn(inputs, units)

    def _create(
        self, shape: Tuple[int, int, int], dtype: DTypeLike, activation: str, epsilon: float, threads: Optional[int]
    ) -> None:
        """A network whose parameters are zero."""
        kind = np.dtype(dtype)
        if kind not in (np.dtype("float64"), np.dtype("float32")):
            raise TypeError(f"dtype is {kind}; expected float64 or float32")
        if not 0 <= epsilon < np.inf:
            raise ValueError(f"loss_epsilon is {epsilon}; expected a finite number, 0 or more")
        self._native = _native.Network(shape, kind == np.dtype("float32"), activation)
        self._native.loss_epsilon = epsilon
        self._params = Parameters(self._native.arrays())
        self.history = None
        self.threads = threads

    @property
    def params(self) -> Parameters:
        """The weights by name: ``W1``, ``b1``, ``W2`` and ``b2``."""
        return self._params

    @params.setter
    def params(self, values: Mapping[str, ArrayLike]) -> None:
        if set(values) != set(self._params):
            raise ValueError(f"params has the names {sorted(values)}; expected W1, W2, b1 and b2")
        for name, array in values.items():
            self._params[name] = array

    @property
    def shape(self) -> Tuple[int, int, int]:
        """Inputs, hidden units and classes."""
        return self._native.shape

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of weights, gradients and results."""
        return np.dtype(self._native.dtype)

    @property
    def activation(self) -> str:
        """The activation of the hidden layer: ``sigmoid`` or ``relu``."""
        return self._native.activation

    @property
    def threads(self) -> Optional[int]:
        """The threads that a call uses; None for the number that was measured to be fastest."""
        return self._threads

    @threads.setter
    def threads(self, threads: Optional[int]) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; expected 1 or more, or None")
        self._native.set_threads(threads)
        self._threads = threads

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """The probability of each class: ``(rows, output_size)``, or ``(output_size,)`` for one row.

        Raises:
            ValueError: If ``x`` has another shape, no rows, or a NaN.
            TypeError: If ``x`` has another dtype.
        """
        return self._native.predict(x)

    def loss(self, x: ArrayLike, t: ArrayLike) -> float:
        """The mean over the rows of -log(p + loss_epsilon), where p is the probability of the row's class.

        Raises:
            ValueError: If ``x`` or ``t`` have shapes that do not fit, ``x`` a NaN, or a row of ``t`` is not one-hot.
            TypeError: If ``x`` or ``t`` have another dtype.
            IndexError: If a class is negative, or ``output_size`` or more.
        """
        return self._native.evaluate(x, t)[0]

    def accuracy(self, x: ArrayLike, t: ArrayLike) -> float:
        """The share of rows whose most probable class is theirs. Raises what `loss` does."""
        return self._native.evaluate(x, t)[1]

    def gradient(self, x: ArrayLike, t: ArrayLike) -> Dict[str, NDArray[Any]]:
        """The gradient of the mean cross-entropy by backpropagation: new arrays, named and shaped as ``params``.

        Raises what `loss` does.
        """
        return self._native.gradient(x, t)

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike, h: float = 1e-4) -> Dict[str, NDArray[Any]]:
        """The same by central differences, (L(w + h) - L(w - h)) / 2h for each parameter w, computed in float64.

        Only what depends on a parameter is evaluated again. Raises what `loss` does.
        """
        gradient = self._native.numerical_gradient(x, t, h)
        return {name: array.astype(self.dtype, copy=False) for name, array in gradient.items()}

    def gradcheck(self, x: ArrayLike, t: ArrayLike, h: float = 1e-4, tolerance: float = 1e-9) -> GradcheckReport:
        """Compares `gradient` with `numerical_gradient`, in float64; printing the report shows a table.

        A parameter passes if the mean of its differences is below ``tolerance`` and no difference is 100 times that.
        A ReLU unit that crosses its kink within h has no derivative there, and may fail.
        """
        exact = self if self.dtype == np.float64 else self._converted("float64")
        return compare(exact._native.gradient(x, t), exact._native.numerical_gradient(x, t, h), tolerance)

    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        *,
        epochs: Optional[int] = None,
        iterations: Optional[int] = None,
        batch_size: int = 100,
        lr: float = 0.1,
        optimizer: str = "sgd",
        weight_decay: float = 0.0,
        validation: Optional[Tuple[ArrayLike, ArrayLike]] = None,
        callback: Optional[Callable[[Progress], Optional[bool]]] = None,
        threads: Optional[int] = None,
        seed: Optional[int] = None,
    ) -> History:
        """Trains on mini-batches, drawn as in the notebook by ``np.random.choice(len(x), batch_size)``.

        With float64 it computes what the notebook's loop does. ``x`` as uint8 takes least memory and time.

        Args:
            x: The training rows.
            t: Their classes.
            epochs: How long to train, in epochs of ``len(x) // batch_size`` iterations.
            iterations: How long to train, in iterations; 10,000 if neither is given.
            batch_size: Rows of a mini-batch.
            lr: The learning rate.
            optimizer: ``sgd``, ``momentum``, ``nesterov``, ``adagrad``, ``rmsprop`` or ``adam``, in the book's forms.
            weight_decay: Added to the gradient, times the weight.
            validation: Rows and classes whose loss and accuracy are recorded after each epoch.
            callback: Called after each epoch with a `Progress`; training ends if it returns True.
            threads: As in the constructor, for this call.
            seed: Of a generator for the batches; by default they come from the global ``np.random``.

        Returns:
            What was recorded; also in ``history``, after Ctrl-C or an exception too.

        Raises:
            FloatingPointError: If training diverges.
            KeyboardInterrupt: After Ctrl-C. The weights are those of the last iteration.
            ValueError, TypeError, IndexError: As `loss`, and for an option out of its range.
        """
        before = self.threads
        if threads is not None:
            self.threads = threads
        try:
            length, rule = (epochs, iterations, batch_size), (optimizer, lr, weight_decay)
            return train(self, (x, t), length, rule, validation, callback, seed)
        finally:
            if threads is not None:
                self.threads = before

    def predict_image(self, picture: Any) -> ImagePrediction:
        """What the network takes a picture of one digit for, of any size, dark on light or light on dark.

        The picture is prepared as MNIST's were: cropped, thickened if strokes are thin, scaled and centred.

        Args:
            picture: The path of a PNG, JPEG, WebP, GIF, TIFF, BMP or PGM file, a PIL image, or an array of ``(height, width)`` or
                ``(height, width, channels)``: grey, grey with opacity, RGB or RGBA; uint8, or floats from 0 to 1.

        Raises:
            OSError: If the file cannot be opened.
            ValueError: If it is no picture, or nothing is drawn on it.
        """
        return predict_image(self, picture)

    def save(self, path: PathLike) -> None:
        """Writes a model file of twolayer; a path that ends in .npz or .onnx is for NumPy or ONNX Runtime.

        The file appears whole or not at all.

        Raises:
            OSError: If the system refuses.
            ValueError: If a weight is not finite.
        """
        kind = _KINDS.get(Path(path).suffix.lower(), "model")
        _native.write_file(os.fspath(path), _native.encode(self._native, kind))

    @classmethod
    def load(cls, path: PathLike) -> "TwoLayerNet":
        """The network in a model file, in an .npz with W1, b1, W2 and b2, or in PyTorch's layers as safetensors.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it has no network. ONNX files are written, not read.
        """
        if Path(path).suffix.lower() == ".onnx":
            raise ValueError(f"{os.fspath(path)}: ONNX files are written, not read; load the model file or .npz")
        params, activation = _native.decode(os.fspath(path), Path(path).read_bytes())
        return cls._of(params, activation)

    @classmethod
    def _of(cls, params: Mapping[str, NDArray[Any]], activation: str) -> "TwoLayerNet":
        w1, w2 = params["W1"], params["W2"]
        net = cls.__new__(cls)
        net._create((*w1.shape, w2.shape[1]), w1.dtype, activation, 1e-7, None)
        net.params = params
        return net

    def _converted(self, dtype: DTypeLike) -> "TwoLayerNet":
        return self._of({name: array.astype(dtype) for name, array in self.params.items()}, self.activation)

    # Of pickle and copy. Threads and buffers are made anew.
    def __getstate__(self) -> Dict[str, Any]:
        params = {name: array.copy() for name, array in self.params.items()}
        mine = ("_native", "_params", "_threads")
        others = {name: value for name, value in self.__dict__.items() if name not in mine}
        return {
            "params": params,
            "activation": self.activation,
            "loss_epsilon": self._native.loss_epsilon,
            "threads": self.threads,
            "others": others,
        }

    def __setstate__(self, state: Dict[str, Any]) -> None:
        w1, w2 = state["params"]["W1"], state["params"]["W2"]
        shape = (*w1.shape, w2.shape[1])
        self._create(shape, w1.dtype, state["activation"], state["loss_epsilon"], state["threads"])
        self.params = state["params"]
        self.__dict__.update(state["others"])

    def __repr__(self) -> str:
        inputs, hidden, classes = self.shape
        options = f"dtype={self.dtype.name!r}, activation={self.activation!r}"
        return f"{type(self).__name__}({inputs}, {hidden}, {classes}, {options})"
