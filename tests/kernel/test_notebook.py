"""Notebooks carried out by nbclient, as nbconvert and papermill do it."""

import tempfile
import unittest

import nbformat
from harness import NAME
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def carried_out(cells, folder):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = NotebookClient(notebook, kernel_name=NAME, timeout=600, resources={"metadata": {"path": folder}})
    try:
        client.execute()
    finally:
        nbformat.validate(notebook)
    return notebook


class Notebooks(unittest.TestCase):
    def test_what_is_saved_is_the_final_state(self):
        with tempfile.TemporaryDirectory() as folder:
            cells = [":train simclr digits --epochs 3 --name saved", "run.report()?"]
            notebook = carried_out(cells, folder)
            shown = [o for o in notebook.cells[0].outputs if o.output_type == "display_data"]
            (card,) = [o for o in shown if "simclr on digits" in o.data.get("text/plain", "")]
            self.assertIn("done after 3 epochs", card.data["text/plain"])
            self.assertIn("image/png", card.data)
            self.assertEqual([c.execution_count for c in notebook.cells], [1, 2])
            # What was waited for before the first cell has left nothing.
            for output in notebook.cells[1].outputs:
                self.assertNotIn("starting", str(output))

    def test_a_failed_assertion_fails_the_notebook(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(CellExecutionError) as failed:
                carried_out(["assert!(1 + 1 == 3, \"sums are right\");"], folder)
            self.assertIn("sums are right", str(failed.exception))
            self.assertEqual(failed.exception.ename, "Panic")


if __name__ == "__main__":
    unittest.main()
