"""Programs that train, and how one run of one of them is measured."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass

from environment import HERE

# They choose or tune OpenBLAS's kernels; whatever is set for another purpose must not slow the peers down.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# What NumPy's OpenBLAS, PyTorch (its own kernels, oneDNN, MKL) and JAX would choose on a processor without AVX-512.
AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


@dataclass(frozen=True)
class Program:
    key: str
    title: str
    ours: str  # the program of ours that times are divided by: its key
    command: tuple  # without the folder with the data, which comes next

    def on(self, data, threads):
        """The command that trains on the data in this folder. Ours chooses the threads: up to those of its processors."""
        return [*self.command, data, "--threads", "auto" if self.is_ours else str(threads)]

    @property
    def is_ours(self):
        return self.key.startswith("twolayer")


def ours(program, levels):
    """Our programs: f32 at every level, f64 at the best."""
    command = (program, "train", "--json")
    return [
        Program(
            f"twolayer-{precision}-{level}",
            f"twolayer, {precision}, {level}",
            f"twolayer-{precision}-{levels[0]}",
            (*command, "--precision", precision, "--isa", level, "--data"),
        )
        for precision, level in [*(("f32", level) for level in levels), ("f64", levels[0])]
    ]


PEERS = {
    "numpy": ("NumPy, f32", "with_numpy.py", "f4"),
    "numpy-f64": ("NumPy, f64", "with_numpy.py", "f8"),
    "sklearn": ("scikit-learn, f32", "with_sklearn.py", ""),
    "torch-autograd": ("PyTorch, f32, autograd", "with_torch.py", "autograd"),
    "torch": ("PyTorch, f32, gradients by hand, in place", "with_torch.py", "in-place"),
    "jax": ("JAX, f32, one jitted scan", "with_jax.py", ""),
}


def recipe(python, name):
    return (python, "-B", str(HERE / "recipes" / name))


def peers(python, level):
    """The peers; each is compared with ours in its own precision."""
    return [
        Program(
            key,
            title,
            f"twolayer-{'f64' if key.endswith('f64') else 'f32'}-{level}",
            (*recipe(python, name), f"--variant={variant}"),
        )
        for key, (title, name, variant) in PEERS.items()
    ]


def choose_instructions(avx2):
    """Leaves the choice of instructions to the peers, or holds them to AVX2; their processes inherit it."""
    for name in UNSET:
        os.environ.pop(name, None)
    if avx2:
        os.environ.update(AVX2)


def environment(threads):
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    return os.environ | {name: str(threads) for name in limits} | {"JAX_PLATFORMS": "cpu"}


@contextmanager
def others(processors):
    """Keeps each of these processors busy with a process of its own."""
    busy = [subprocess.Popen(["taskset", "-c", str(p), sys.executable, "-c", "while True: pass"]) for p in processors]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(command, threads, busy=False):
    """Runs a program bound to as many processors as it has threads: what it reports, and its peak memory in MB."""
    allowed = sorted(os.sched_getaffinity(0))
    other_work = others(allowed[:threads] if busy else [])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, other_work:
        os.sched_setaffinity(0, allowed[:threads])  # inherited by the child
        try:
            child = subprocess.Popen(command, stdout=out, stderr=err, env=environment(threads))
        finally:
            os.sched_setaffinity(0, allowed)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            failed = f"{' '.join(command)}: exit code {child.returncode}"
            raise SystemExit(f"{failed}\n{err.read().decode(errors='replace')[-2000:]}")
        return json.loads(out.read().splitlines()[-1]) | {"peak_mb": usage.ru_maxrss * 1024 / 1e6}
