"""The cells of a notebook, what they printed, and what is said of their figures."""


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
