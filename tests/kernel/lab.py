"""A notebook in a real JupyterLab, in a headless Chromium: what somebody who opens it sees and presses.

    lab.py --screens FOLDER        # `run` installs the kernel and calls this

Opens the tour and runs all its cells; trains in a cell of its own and sees the card move; presses the stop button and goes
on with the model. Screenshots are left in FOLDER, to be looked at.
"""
import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

HERE = pathlib.Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent.parent / "notebooks"

# Nothing of the browser's own is looked up in the network.
BROWSER = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1", "--window-size=1280,1000",
]


class Lab:
    """JupyterLab with one notebook open."""

    def __init__(self, notebook):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        notebooks, settings = self.folder / "notebooks", self.folder / "settings"
        notebooks.mkdir()
        shutil.copy(NOTEBOOKS / notebook, notebooks)
        # The question whether news may be shown would stand over the notebook.
        (settings / "labconfig").mkdir(parents=True)
        quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (settings / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        self.server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}",
             "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
             "--LabApp.extension_manager=readonly", "--ServerApp.port_retries=0"],
            cwd=notebooks, env={**os.environ, "JUPYTER_CONFIG_DIR": str(settings)}, stdout=subprocess.DEVNULL,
            stderr=open(self.folder / "server.log", "w"))
        wait("the server", 60, lambda: answers(f"{address}/api/status"))
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in [*BROWSER, f"--user-data-dir={tempfile.mkdtemp()}"]:
            options.add_argument(argument)
        self.browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.browser.get(f"{address}/lab/tree/{notebook}?reset")
        wait("the notebook", 60, lambda: self.script("return !!window.jupyterapp && !!document.querySelector('.jp-Notebook-cell')"))

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def command(self, name):
        """One of JupyterLab's own commands, as its menus carry it out; does not wait for its end."""
        self.script("window.jupyterapp.commands.execute(arguments[0]); return true", name)

    def kernel(self):
        """What the kernel does: `idle`, `busy`, `starting`..."""
        return self.script(
            "const p = window.jupyterapp.shell.currentWidget; const k = p && p.sessionContext && p.sessionContext.session"
            " && p.sessionContext.session.kernel; return k ? k.status : 'none'")

    def cells(self):
        """The code cells, with their counters and outputs, from the notebook's model."""
        return json.loads(self.script(
            "return JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.filter(c => c.cell_type == 'code'))"))

    def settle(self, seconds):
        """Waits until every cell that was asked for has run."""
        def settled():
            prompts = self.script("return [...document.querySelectorAll('.jp-InputPrompt')].map(p => p.textContent)")
            return self.kernel() == "idle" and not any("*" in prompt for prompt in prompts)
        time.sleep(0.5)
        wait("the kernel to be idle", seconds, settled)

    def run_cell(self, text):
        """Puts `text` into a new cell at the end and runs it."""
        self.script(
            "const n = window.jupyterapp.shell.currentWidget.content; n.activeCellIndex = n.widgets.length - 1; n.deselectAll()")
        self.command("notebook:insert-cell-below")
        time.sleep(0.3)
        self.script("window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(arguments[0])", text)
        self.command("notebook:run-cell")
        time.sleep(0.3)

    def last_output(self):
        """The element with the outputs of the last cell that has any."""
        found = self.browser.find_elements(By.CSS_SELECTOR, ".jp-Notebook-cell .jp-OutputArea")
        return found[-1] if found else None

    def close(self):
        self.browser.quit()
        self.server.terminate()
        self.server.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait(what, seconds, holds):
    since = time.monotonic()
    while time.monotonic() - since < seconds:
        if holds():
            return
        time.sleep(0.2)
    raise TimeoutError(f"waited {seconds} s for {what}")


def errors(cells):
    return [o["evalue"] for c in cells for o in c["outputs"] if o["output_type"] == "error"]


def text_of(cell):
    """All that a cell's outputs say as plain text."""
    parts = []
    for o in cell["outputs"]:
        parts.append(o.get("text") or o.get("data", {}).get("text/plain", ""))
    return "".join("".join(p) for p in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    arguments.screens.mkdir(parents=True, exist_ok=True)
    lab = Lab("00-tour.ipynb")
    keep = lambda name: lab.browser.save_screenshot(str(arguments.screens / f"{name}.png"))
    try:
        wait("the kernel", 60, lambda: lab.kernel() == "idle")
        begun = time.monotonic()
        lab.command("notebook:run-all-cells")
        lab.settle(300)
        cells = lab.cells()
        assert not errors(cells), errors(cells)
        counters = [c["execution_count"] for c in cells]
        assert counters == list(range(1, len(cells) + 1)), counters
        keep("1-tour")
        print(f"the tour: {len(cells)} cells without an error, {time.monotonic() - begun:.0f} s", flush=True)

        lab.run_cell('let long = train("simclr", "digits").epochs(2000).out("runs").run()?;')
        card = lambda: lab.last_output()
        wait("the card", 60, lambda: card() is not None and "epoch" in card().text)
        time.sleep(6)
        lab.script("arguments[0].scrollIntoView({block: 'end'})", card())
        keep("2-training")
        first = card().screenshot_as_png
        time.sleep(3)
        keep("3-three-seconds-later")
        second = card().screenshot_as_png
        assert first != second, "the card has not moved in three seconds"
        print(f"the card moves: {len(first)} and {len(second)} bytes of picture", flush=True)

        stopped = time.monotonic()
        lab.browser.find_element(By.CSS_SELECTOR, "[data-command='notebook:interrupt-kernel'], [title^='Interrupt the kernel']").click()
        lab.settle(30)
        print(f"stopped {time.monotonic() - stopped:.1f} s after the button", flush=True)
        keep("4-stopped")
        cells = lab.cells()
        assert not errors(cells), errors(cells)

        lab.run_cell('let kept = long.embeddings()?.clone(); println!("{} x {}", kept.len(), kept.width());')
        lab.settle(60)
        cells = lab.cells()
        assert not errors(cells), errors(cells)
        assert "359 x 128" in text_of(cells[-1]), cells[-1]
        keep("5-going-on")
        print("the model is still there: " + text_of(cells[-1]).strip(), flush=True)
    except BaseException:
        keep("failed")
        raise
    finally:
        lab.close()


if __name__ == "__main__":
    main()
