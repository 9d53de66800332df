"""The cells of a notebook, its sections, what was printed, and what is said of the figures."""

import re
from typing import NamedTuple


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def texts(output):
    """Every textual form that an output is shown in."""
    if output.output_type == "stream":
        return [output.text]
    return [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]


def caption(cell):
    """The caption of the figure that a cell draws, or nothing."""
    return cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")


class Section(NamedTuple):
    """What stands below a heading of level two: its title, the text, the code, and the cells that draw a figure with a caption."""

    title: str
    text: str
    code: str
    figures: list


def sections(notebook):
    """The sections of a notebook; what stands before the first heading of level two is one too."""
    parts = [Section("the opening", "", "", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts[-1] = parts[-1]._replace(code=parts[-1].code + cell.source + "\n")
            parts[-1].figures.extend([cell] if caption(cell) else [])
            continue
        for piece in re.split(r"(?m)^(?=## )", cell.source):
            if piece.startswith("## "):
                parts.append(Section(piece.splitlines()[0][3:], "", "", []))
            parts[-1] = parts[-1]._replace(text=parts[-1].text + piece)
    return parts
