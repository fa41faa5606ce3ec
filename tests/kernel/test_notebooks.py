"""The notebooks of the repository, carried out from top to bottom."""

import time
import unittest
from pathlib import Path

import nbformat
from harness import NAME
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
# A reader with two cores does not wait longer; a machine that does other things too gets twice that.
LONGEST = 360


class Tutorials(unittest.TestCase):
    def test_every_notebook_says_what_is_true(self):
        self.carry_out(sorted(FOLDER.glob("*.ipynb")), 5)

    def carry_out(self, files, least):
        self.assertGreaterEqual(len(files), least, FOLDER)
        for file in files:
            with self.subTest(file.name):
                notebook = nbformat.read(file, as_version=4)
                nbformat.validate(notebook)
                code = [c for c in notebook.cells if c.cell_type == "code"]
                self.assertTrue(all(not c.outputs and c.execution_count is None for c in code), "kept with outputs")
                begun = time.monotonic()
                options = {"kernel_name": NAME, "timeout": LONGEST, "resources": {"metadata": {"path": str(file.parent)}}}
                NotebookClient(notebook, **options).execute()
                took = time.monotonic() - begun
                print(f"{file.name}: {took:.0f} s", flush=True)
                self.assertLess(took, LONGEST)
                errors = [o for c in code for o in c.outputs if o.output_type == "error"]
                self.assertEqual(errors, [])
                self.assertIn("Selfsame's own kernel", str(code[0].outputs))


if __name__ == "__main__":
    unittest.main()
