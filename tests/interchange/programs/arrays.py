"""Prints the arrays of an .npz as JSON: arrays.py FILE"""

import json
import sys

import numpy

with numpy.load(sys.argv[1], allow_pickle=False) as arrays:
    found = {name: arrays[name] for name in arrays.files}
print(json.dumps({
    name: {
        "dtype": array.dtype.str,
        "shape": array.shape,
        "c_order": array.flags.c_contiguous,
        "values": array.tolist() if array.dtype.kind == "U" else array.astype("f8").ravel().tolist(),
    }
    for name, array in found.items()
}))
