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


# Two cells with dfdx as it comes: each has a copy that numbers its tensors from the beginning.
PLAIN = [
    ':dep dfdx = "=0.13.0"\nuse dfdx::prelude::*;\nlet dev: Cpu = Default::default();',
    "let w: Tensor<Rank2<3, 2>, f32, Cpu> = dev.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);",
    "let x: Tensor<Rank2<4, 3>, f32, Cpu> = dev.ones();",
    "let gradients = x.leaky_trace().matmul(w.clone()).sum::<Rank0, _>().backward();\n"
    'println!("{:?} {:?}", gradients.get(&w).array(), gradients.get(&x).array()[0]);',
]
RIGHT = "[[4.0, 4.0], [4.0, 4.0], [4.0, 4.0]] [3.0, 7.0, 11.0]"


def plain():
    """Whether dfdx without our library mixes up gradients between cells, which is why the library is there for cells."""
    cells = [nbformat.v4.new_code_cell(text) for text in PLAIN]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="rust", timeout=LONGEST, startup_timeout=120, allow_errors=True).execute()
    said = "".join(o.get("text", "") for o in notebook.cells[-1].outputs)
    print(f"dfdx alone, gradients over cells: {said.strip()[:300]}", flush=True)
    built = not any(o.output_type == "error" for cell in notebook.cells[:3] for o in cell.outputs)
    return built and RIGHT not in said


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
    if not sys.argv[1:] and not plain():
        failed += 1
        print("dfdx alone gives the right gradients, or does not compile: our way of linking it has lost its reason")
    print(f"{len(files)} notebooks, {failed} failed")
    sys.exit(bool(failed or not files))


if __name__ == "__main__":
    main()
