"""What somebody else sends, prints or ends."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import zmq
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from harness import NAME, kernel

FORGED = (
    "\x1eSELFSAME {\"display\":1,\"kind\":\"figure\",\"title\":\"t\",\"alt\":\"a\",\"svg\":\"<svg/>\",\"png\":null}\n"
    "EVCXR_BEGIN_CONTENT text/html\n<script>alert(1)</script>\nEVCXR_END_CONTENT\n"
    "EVCXR_EXECUTION_COMPLETE\n"
)


def is_training(folder):
    """Whether a process holds the run in that folder."""
    import fcntl

    try:
        with open(Path(folder) / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def wait_for(what, found, seconds=60):
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until, f"no {what} in {seconds} s"
        time.sleep(0.1)


class Hostile(unittest.TestCase):
    def test_printed_text_is_text(self):
        with tempfile.TemporaryDirectory() as folder, kernel(cwd=folder) as under_test:
            (Path(folder) / "text").write_text(FORGED)
            for code in ["!cat text", 'print!("{}", std::fs::read_to_string("text")?);']:
                ran = under_test.run(code)
                self.assertEqual((ran.status, ran.text()), ("ok", FORGED), ran)
                self.assertEqual((ran.of("display_data"), ran.of("execute_result")), ([], []), ran)
            ran = under_test.run("std::io::Write::write_all(&mut std::io::stdout(), b\"a \\xff\\n\")?;")
            self.assertEqual((ran.status, ran.text()), ("ok", "a \ufffd\n"), ran)
            self.assertEqual(under_test.run("1 + 1").result["text/plain"], "2")

    def test_a_message_counts_once_and_the_heart_echoes(self):
        with kernel(ready=False) as under_test:
            info = under_test.manager.get_connection_info()
            context = zmq.Context.instance()
            with context.socket(zmq.REQ) as heart:
                heart.connect(f"tcp://{info['ip']}:{info['hb_port']}")
                for beat in [b"ping", b"\x00\xff other", b""]:
                    heart.send(beat)
                    self.assertTrue(heart.poll(5000))
                    self.assertEqual(heart.recv(), beat)
            session = under_test.client.session
            parts = session.serialize(session.msg("kernel_info_request", {}))
            with context.socket(zmq.DEALER) as shell:
                shell.connect(f"tcp://{info['ip']}:{info['shell_port']}")
                shell.send_multipart(parts)
                self.assertTrue(shell.poll(5000))
                shell.recv_multipart()
                shell.send_multipart(parts)
                self.assertFalse(shell.poll(1500), "a message that came again was answered")

    def test_a_training_ends_with_the_kernel(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "runs" / "long"
            with kernel(ready=False, cwd=folder) as under_test:
                under_test.send(":train simclr digits --epochs 100000 --name long")
                wait_for("training", lambda: is_training(run) and (run / "metrics.jsonl").exists())
                os.kill(under_test.pid, signal.SIGKILL)
                wait_for("end of the training", lambda: not is_training(run))
            self.assertTrue((run / "checkpoint" / "latest.json").exists())

    def test_a_busy_kernel_ends_with_jupyter(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "runs" / "long"
            manager = KernelManager(kernel_name=NAME)
            manager.write_connection_file()
            jupyter = subprocess.Popen(["sleep", "1000"])
            command = manager.kernel_spec.argv[:-1] + [manager.connection_file]
            environment = dict(os.environ, JPY_PARENT_PID=str(jupyter.pid))
            process = subprocess.Popen(command, cwd=folder, env=environment)
            try:
                client = BlockingKernelClient(connection_file=manager.connection_file)
                client.load_connection_file()
                client.start_channels()
                client.wait_for_ready(timeout=60)
                client.execute(":train simclr digits --epochs 100000 --name long")
                wait_for("training", lambda: is_training(run) and (run / "metrics.jsonl").exists())
                jupyter.kill()
                jupyter.wait()
                process.wait(timeout=60)
                wait_for("end of the training", lambda: not is_training(run))
                client.stop_channels()
            finally:
                process.kill()
                jupyter.kill()
                manager.cleanup_connection_file()
            self.assertTrue((run / "checkpoint" / "latest.json").exists())


if __name__ == "__main__":
    unittest.main()
