"""Writes the arrays of an .npz in all the ways that NumPy has, into a folder: variants.py FILE FOLDER"""

import os
import sys

import numpy

arrays = dict(numpy.load(sys.argv[1]))


def save(name, write=numpy.savez, change=lambda array: array):
    write(os.path.join(sys.argv[2], name), **{key: change(array) for key, array in arrays.items()})


def with_rows(array):
    return array.reshape(1, -1) if array.ndim == 1 else array


save("stored.npz")
save("deflated.npz", numpy.savez_compressed)
save("big.npz", change=lambda array: array.astype(array.dtype.newbyteorder(">")))
save("fortran.npz", change=numpy.asfortranarray)
save("rows.npz", change=with_rows)
save("all.npz", numpy.savez_compressed,
     lambda array: numpy.asfortranarray(with_rows(array).astype(array.dtype.newbyteorder(">"))))
