"""How figures look: one style, and a palette that survives colour-blindness, print and dark mode.

Colours are Okabe and Ito's; a figure that tells two things apart by colour also tells them apart by marker or dash.
Figures are drawn on white, and the book shows them as cards, so that they are legible in dark mode too.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#AA4A8A"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREY = "#6B7280"
INK = "#1F2937"

PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)))
"""The colours, the markers and the dashes of curves, in their order."""

# White to ink for weights, which are never negative; blue to vermilion through white for signed entries.
WEIGHTS = LinearSegmentedColormap.from_list("icrl-weights", ["#FFFFFF", SKY, BLUE, "#08306B"])
SIGNED = LinearSegmentedColormap.from_list("icrl-signed", [BLUE, "#BFDDEE", "#FFFFFF", "#F6CDB0", VERMILION])

STYLE: dict[Any, Any] = {
    "figure.figsize": (4.6, 3.4),  # so narrow that text of 8 points has 8 pixels on a phone
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "savefig.pad_inches": 0.12,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "mathtext.fontset": "cm",
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "image.cmap": "icrl-weights",
}


def use_book_style() -> None:
    """Draw every later figure in the book's style."""
    for colormap in (WEIGHTS, SIGNED):
        mpl.colormaps.register(colormap, force=True)
    mpl.rcParams.update(STYLE)


def signed_image(ax: Axes, matrix: np.ndarray, limit: float) -> AxesImage:
    """An image of a matrix with entries of both signs, white at 0, its colours full at ``limit`` in size.

    A negative entry has a bar as well as its colour, unless it is too pale to be seen: below a twentieth of ``limit``.
    ``matrix``: shape (rows, columns); ``limit``: positive.
    """
    rows, columns = np.nonzero(matrix < -limit / 20)
    ax.plot(columns, rows, "_", color=INK, markersize=6, zorder=3)
    return ax.imshow(matrix, vmin=-limit, vmax=limit, cmap=SIGNED)
