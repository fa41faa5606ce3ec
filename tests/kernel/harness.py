"""A kernel under test: what is sent to it, and what comes back until it is idle."""

import os
import queue
import time
from contextlib import contextmanager

from jupyter_client.manager import KernelManager

NAME = "selfsame"
# Compiling the session library takes minutes the first time; the program `selfsame warm` does it ahead of the tests.
READY = 600


class Ran:
    """What became of a cell."""

    def __init__(self, reply, messages):
        self.reply = reply
        self.messages = messages

    @property
    def content(self):
        return self.reply["content"]

    @property
    def status(self):
        return self.content["status"]

    def of(self, kind):
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    def text(self, name="stdout"):
        return "".join(c["text"] for c in self.of("stream") if c["name"] == name)

    @property
    def result(self):
        (result,) = self.of("execute_result")
        return result["data"]

    def __repr__(self):
        return f"{self.content} {[(m['msg_type'], m['content']) for m in self.messages]}"[:3000]


class Kernel:
    """A kernel and one client of it."""

    def __init__(self, manager):
        self.manager = manager
        self.early = []
        self.client = manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def send(self, code, **options):
        return self.client.execute(code, **options)

    def run(self, code, timeout=120, **options):
        return self.answered(self.send(code, **options), timeout)

    def answered(self, message, timeout=120):
        """The reply to `message`, and everything that was published for it until the kernel was idle."""
        until = time.monotonic() + timeout
        messages = []
        while True:
            assert time.monotonic() < until, f"no end within {timeout} s; so far {messages[-3:]}"
            got = self.next("iopub", message)
            if got is None:
                continue
            messages.append(got)
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                break
        while True:
            assert time.monotonic() < until, f"no reply within {timeout} s"
            reply = self.next("shell", message)
            if reply is not None:
                return Ran(reply, messages)

    def next(self, channel, message):
        """The next message that belongs to `message`, if one comes soon; others are kept for who asks for them."""
        for at, (where, got) in enumerate(self.early):
            if where == channel and got["parent_header"].get("msg_id") == message:
                return self.early.pop(at)[1]
        get = self.client.get_iopub_msg if channel == "iopub" else self.client.get_shell_msg
        try:
            got = get(timeout=0.5)
        except queue.Empty:
            return None
        got["at"] = time.monotonic()
        if got["parent_header"].get("msg_id") == message:
            return got
        self.early.append((channel, got))
        return None

    def ask(self, message, timeout=30):
        """The content of the reply to a request that was sent as `message`."""
        return self.answered(message, timeout).content

    def until(self, message, found, timeout=60):
        """Reads what is published for `message` until `found` says yes to one."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            got = self.next("iopub", message)
            if got is not None and found(got):
                return got
        raise AssertionError(f"not seen within {timeout} s")

    def control(self, kind, content, timeout=20):
        """Sends on the control channel and gives the content of the reply."""
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        return self.client.get_control_msg(timeout=timeout)["content"]

    def interrupt(self):
        return self.control("interrupt_request", {})

    @property
    def pid(self):
        return self.manager.provisioner.process.pid


@contextmanager
def kernel(ready=True, cwd=None):
    """A new kernel; with `ready` Rust can run in it."""
    manager = KernelManager(kernel_name=NAME)
    manager.start_kernel(cwd=cwd)
    under_test = Kernel(manager)
    try:
        if ready:
            ran = under_test.run("", timeout=READY, silent=True)
            assert ran.status == "ok", ran
            ran = under_test.run("1 + 1", timeout=READY, store_history=False)
            assert ran.status == "ok" and ran.result["text/plain"] == "2", ran
        yield under_test
    finally:
        under_test.client.stop_channels()
        manager.shutdown_kernel(now=False)


def resident(pid):
    """Megabytes a process has in memory."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
