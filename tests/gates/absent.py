"""A Python that cannot import some packages."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ABSENT = ("numpy", "torch", "gymnasium", "scipy", "matplotlib")
REFUSING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refusing())
"""


def run(code, refused=("numpy", "torch", "gymnasium", "sympy")):
    """What the code prints, in a Python that has none of the refused packages."""
    script = REFUSING.format(refused=set(refused)) + code
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
