"""The comparison of backpropagation with central differences."""

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ParameterCheck:
    """The comparison of one parameter's gradients."""

    #: ``W1``, ``b1``, ``W2`` or ``b2``.
    name: str
    #: The mean of the absolute differences.
    mean_difference: float
    #: The largest absolute difference.
    max_difference: float
    #: The largest difference relative to the larger of the two derivatives.
    max_relative: float
    #: Where the largest absolute difference is.
    worst: Tuple[int, ...]
    #: The derivatives there.
    backpropagation: float
    numerical: float
    #: ``pass``, ``FAIL``, or ``unchecked`` if all derivatives are 0.
    verdict: str


@dataclass(frozen=True)
class GradcheckReport:
    """What `TwoLayerNet.gradcheck` found; as text, a table."""

    #: Whether no parameter failed, and not all are unchecked.
    passed: bool
    tolerance: float
    parameters: List[ParameterCheck]

    def __str__(self) -> str:
        lines = ["    mean diff  max diff   max rel  worst          backpropagation         numerical"]
        for check in self.parameters:
            at = check.name + "".join(f"[{i}]" for i in check.worst)
            differences = f"{check.mean_difference:9.2e} {check.max_difference:9.2e} {check.max_relative:9.2e}"
            derivatives = f"{check.backpropagation:17.9e} {check.numerical:17.9e}"
            lines.append(f"{check.name}  {differences}  {at:12}  {derivatives}  {check.verdict}")
        lines.append(f"{'Passed' if self.passed else 'FAILED'}, tolerance {self.tolerance:g}")
        return "\n".join(lines)


def compare(
    backpropagation: Dict[str, NDArray[Any]], numerical: Dict[str, NDArray[Any]], tolerance: float
) -> GradcheckReport:
    """The report on two gradients."""
    checks = [_check(name, backpropagation[name], numerical[name], tolerance) for name in backpropagation]
    verdicts = [check.verdict for check in checks]
    return GradcheckReport("FAIL" not in verdicts and "pass" in verdicts, tolerance, checks)


def _check(name: str, a: NDArray[Any], b: NDArray[Any], tolerance: float) -> ParameterCheck:
    difference = np.abs(a - b)
    larger = np.maximum(np.abs(a), np.abs(b))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    mean, most = float(difference.mean()), float(difference.max())
    relative = np.divide(difference, larger, out=np.zeros_like(difference), where=larger > 0)
    if not a.any() and not b.any():
        verdict = "unchecked"
    else:
        # Not `>=`, so that NaN fails.
        verdict = "pass" if mean < tolerance and most < 100 * tolerance else "FAIL"
    return ParameterCheck(name, mean, most, float(relative.max()), worst, float(a[worst]), float(b[worst]), verdict)
