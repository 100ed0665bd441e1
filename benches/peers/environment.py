"""What a comparison runs on: the peers' virtual environment, our program, the machine."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
REQUIREMENTS = HERE / "requirements.txt"
VERSIONS = """
import importlib.metadata, json
print(json.dumps({d.name.lower(): d.version for d in importlib.metadata.distributions()}))
"""


def pinned():
    return dict(line.split("==") for line in REQUIREMENTS.read_text().split())


def python(venv):
    """The interpreter of the virtual environment, which is made and filled if need be."""
    found = venv / "bin" / "python"
    if not found.exists():
        print(f"making {venv}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    installed = json.loads(subprocess.check_output([found, "-c", VERSIONS]))
    # A local part, as in 2.15.0+cpu, is another build of the same version.
    if any(installed.get(name, "").split("+")[0] != version for name, version in pinned().items()):
        subprocess.run([found, "-m", "pip", "install", "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
    return str(found)


def twolayer():
    """Our program, built."""
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    return str(TARGET / "release" / "twolayer")


def levels(program):
    """The vector instruction sets that our program finds, best first."""
    info = subprocess.check_output([program, "info"], text=True)
    line = next(line for line in info.splitlines() if line.startswith("levels"))
    return [level for level in reversed(line.replace(",", " ").split()[1:]) if level != "scalar"] or ["scalar"]


def bench(name, pattern):
    """Runs the cases of one of our benches that match: the median seconds and the work of each, by group and case."""
    start = time.time()
    command = ["cargo", "bench", "--locked", "--bench", name, "--", pattern]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    found = {}
    for estimates in (TARGET / "criterion").glob(f"{name}_*/*/new/estimates.json"):
        if estimates.stat().st_mtime >= start:
            group, case = estimates.parts[-4].removeprefix(f"{name}_"), estimates.parts[-3]
            work = json.loads((estimates.parent / "benchmark.json").read_text())["throughput"]["Elements"]
            seconds = json.loads(estimates.read_text())["median"]["point_estimate"] / 1e9
            found[group, case] = seconds, work
    return found


def peak(level, threads):
    """Multiply-adds in f32 on so many threads, measured: floating-point operations per second."""
    ((seconds, work),) = bench("roofline", f"fma-f32-t{threads}/{level}$").values()
    return work / seconds


def processor():
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name, family, model = (fields.get(key, "?") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model}), {len(os.sched_getaffinity(0))} processors"


def version(program, word):
    return subprocess.check_output([program, "--version"], text=True, cwd=ROOT).split()[word]


def described(program):
    """The machine and the versions, for the report."""
    versions = {"twolayer": version(program, -1), "rustc": version("rustc", 1), "Python": platform.python_version()}
    system = f"{platform.system()} {platform.release()}"
    return {"processor": processor(), "system": system, "versions": versions | pinned()}
