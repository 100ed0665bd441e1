"""The notebook of examples/, from start to end."""

from conftest import DATA

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


def test_the_notebook_runs():
    folder = DATA.parent / "examples"
    notebook = nbformat.read(folder / "two_layer_net.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    text = "".join(output.get("text", "") for output in outputs)
    assert "It is a 3" in text and "largest difference of a weight 0.0" in text
