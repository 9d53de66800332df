"""Arrays with NumPy's spelling: NumPy itself where it is installed, and :mod:`icrl.arrays.plain` where it is not.

``from icrl.arrays import np`` in the place of ``import numpy as np`` is all that a module needs in order to run in both.
"""

from __future__ import annotations

try:
    import numpy as np
except ModuleNotFoundError as error:
    if error.name != "numpy":  # NumPy is there, and something that it needs is not
        raise
    from icrl.arrays import plain as np  # type: ignore[no-redef]  # np is one of the two; NumPy's types hold for both

__all__ = ["np"]
