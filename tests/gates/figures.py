"""A plug-in that compares the pictures stored in a notebook with those that nbval has just drawn: nbval leaves them out.

One matplotlib draws the same picture twice up to the rounding of a colour, so colours are compared, pixel by pixel.
"""

import base64
import io

import pytest
from PIL import Image, ImageChops

FARTHEST = 16
"""Levels, of 255, by which red, green, blue or the opacity of a pixel may differ."""


def drawn(outputs):
    """The pictures among the outputs of a cell."""
    return [
        Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
        for output in outputs
        for kind, encoded in output.get("data", {}).items()
        if kind in {"image/png", "image/jpeg"}
    ]


def differences(stored, fresh):
    """How the stored pictures of a cell differ from the fresh ones."""
    if len(stored) != len(fresh):
        return [f"{len(stored)} pictures are stored, {len(fresh)} were drawn"]
    return [
        f"picture {number} {why}"
        for number, pair in enumerate(zip(stored, fresh), start=1)
        if (why := difference(*pair))
    ]


def difference(old, new):
    """How a picture differs from another, or nothing."""
    if old.size != new.size:
        return f"is stored with {old.size} pixels and drawn with {new.size}"
    apart = ImageChops.difference(old, new)
    farthest = max(most for _, most in apart.getextrema())
    where = apart.point(lambda level: level > FARTHEST).getbbox(alpha_only=False)
    return f"differs by up to {farthest} of 255 levels, in the pixels {where}" if where else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Compare, once nbval has run a cell and found its other outputs to be the stored ones."""
    result = yield
    if hasattr(item, "test_outputs") and (found := differences(drawn(item.cell.outputs), drawn(item.test_outputs))):
        item.raise_cell_error("Pictures differ", "\n".join(found))
    return result
