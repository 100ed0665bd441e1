"""Writes a network as PyTorch has it and prints its probabilities, as JSON: layers.py TYPE FIRST SECOND PIXELS FILE"""

import json
import sys

import numpy
from safetensors.numpy import save_file

kind, first, second, pixels, file = sys.argv[1:]
random = numpy.random.RandomState(0)
pixels = numpy.fromfile(pixels, "u1").reshape(-1, 64)
inputs, hidden, classes = 64, 23, 10


def linear(inputs, outputs):
    bound = 2 / inputs**0.5
    return random.uniform(-bound, bound, (outputs, inputs)).astype(kind), random.uniform(-1, 1, outputs).astype(kind)


def apply(layer, x):
    weight, bias = (array.astype("f8") for array in layer)
    return x @ weight.T + bias


layers = {first: linear(inputs, hidden), second: linear(hidden, classes)}
save_file(
    {f"{name}.{part}": array for name, layer in layers.items() for part, array in zip(("weight", "bias"), layer)},
    file,
    metadata={"format": "pt"},
)
x = (pixels.astype("f4") / numpy.float32(255)).astype("f8")
activations = 1 / (1 + numpy.exp(-apply(layers[first], x)))
logits = apply(layers[second], activations)
powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
print(json.dumps((powers / powers.sum(axis=1, keepdims=True)).ravel().tolist()))
