"""The notebooks of the book's chapters, carried out from top to bottom. `bash tests/kernel/run PROGRAM CACHE chapters.py`

They take ten minutes, and what they run is what the book's programs run, so they are not part of what runs for every change.
"""

from test_notebooks import FOLDER, Tutorials


class Chapters(Tutorials):
    def test_every_notebook_says_what_is_true(self):
        self.carry_out(sorted(FOLDER.glob("chapters/*.ipynb")), 10)


del Tutorials
