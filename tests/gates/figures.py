"""A plug-in that compares the pictures stored in a notebook with those that nbval has just drawn: nbval leaves them out.

One matplotlib draws the same picture twice up to the rounding of a colour, so colours are compared, pixel by pixel.
"""

import base64
import io

import pytest
from PIL import Image, ImageChops

FARTHEST = 16
"""Levels, of 255, by which red, green, blue or the opacity of a pixel may differ."""
OF_ROUNDING = {"fig-errors", "fig-depth-bound"}
"""What rounding leaves is another on another processor: these figures show it, and are compared with blurred eyes."""
BLUR = 32


def drawn(outputs):
    """The pictures among the outputs of a cell."""
    return [
        Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
        for output in outputs
        for kind, encoded in output.get("data", {}).items()
        if kind in {"image/png", "image/jpeg"}
    ]


def differences(stored, fresh, figure=None):
    """How the stored pictures of a cell, which draws the figure of this name, differ from the fresh ones."""
    if len(stored) != len(fresh):
        return [f"{len(stored)} pictures are stored, {len(fresh)} were drawn"]
    return [
        f"picture {number} {why}"
        for number, pair in enumerate(zip(stored, fresh), start=1)
        if (why := difference(*pair, figure in OF_ROUNDING))
    ]


def difference(old, new, of_rounding=False):
    """How a picture differs from another, or nothing."""
    if old.size != new.size:
        return f"is stored with {old.size} pixels and drawn with {new.size}"
    limit = 2 * FARTHEST if of_rounding else FARTHEST
    apart = ImageChops.difference(*((picture.reduce(BLUR) for picture in (old, new)) if of_rounding else (old, new)))
    farthest = max(most for _, most in apart.getextrema())
    where = apart.point(lambda level: level > limit).getbbox(alpha_only=False)
    return f"differs by up to {farthest} of 255 levels, in the box {where}" if where else ""


def name_of(cell):
    """The name of the figure that a cell draws, or None."""
    return cell.metadata.get("mystnb", {}).get("figure", {}).get("name")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Compare, once nbval has run a cell and found its other outputs to be the stored ones."""
    result = yield
    if hasattr(item, "test_outputs"):
        found = differences(drawn(item.cell.outputs), drawn(item.test_outputs), name_of(item.cell))
        if found:
            item.raise_cell_error("Pictures differ", "\n".join(found))
    return result
