"""Carries notebooks out under the stock evcxr kernel; `stock`, beside this, calls it.

A panic is a success there: the kernel prints it and goes on. So what a notebook asserts is looked for on stderr.
"""
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
# The first cell of the first notebook compiles the library.
LONGEST = 1800


def trouble(notebook):
    """What went wrong in a notebook that was carried out."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"{output.ename}: {output.evalue}"
            if output.output_type == "stream" and "panicked at" in output.text:
                yield output.text
    first = next(c for c in notebook.cells if c.cell_type == "code")
    if "The stock evcxr kernel" not in str(first.outputs):
        yield f"the first cell does not know its kernel: {first.outputs}"


def main():
    files = [Path(name).resolve() for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    failed = 0
    for file in files:
        notebook = nbformat.read(file, as_version=4)
        begun = time.monotonic()
        options = {"kernel_name": "rust", "timeout": LONGEST, "startup_timeout": 120, "allow_errors": True,
                   "resources": {"metadata": {"path": str(file.parent)}}}
        NotebookClient(notebook, **options).execute()
        found = list(trouble(notebook))
        failed += bool(found)
        print(f"{file.name}: {time.monotonic() - begun:.0f} s, {'as it should be' if not found else 'FAILED'}", flush=True)
        for text in found:
            print("    " + text.replace("\n", "\n    "), flush=True)
    print(f"{len(files)} notebooks, {failed} failed")
    sys.exit(bool(failed or not files))


if __name__ == "__main__":
    main()
