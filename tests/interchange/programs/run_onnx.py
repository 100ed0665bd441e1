"""Checks an ONNX model and prints what ONNX Runtime makes of images, as JSON: run_onnx.py MODEL PIXELS"""

import json
import sys

import numpy
import onnx
import onnxruntime

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(given,), (made,) = session.get_inputs(), session.get_outputs()
pixels = numpy.fromfile(sys.argv[2], "u1").reshape(-1, given.shape[1])
inputs = (pixels.astype("f4") / numpy.float32(255)).astype("f8" if "double" in given.type else "f4")
(probabilities,) = session.run([made.name], {given.name: inputs})
print(json.dumps({
    "input": [given.name, given.shape, given.type],
    "output": [made.name, made.shape, made.type],
    "ir_version": model.ir_version,
    "opset": model.opset_import[0].version,
    "producer": [model.producer_name, model.producer_version],
    "doc": model.doc_string,
    "metadata": {entry.key: entry.value for entry in model.metadata_props},
    "probabilities": probabilities.astype("f8").ravel().tolist(),
}))
