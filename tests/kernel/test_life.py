"""A kernel's life: start, interrupts, restart, end; two beside each other."""

import os
import signal
import tempfile
import time
import unittest

from harness import READY, Kernel, kernel, resident

WAITS = "while !selfsame::interrupted() { std::thread::sleep(std::time::Duration::from_millis(10)); }\n" \
        'println!("stopped by itself");'


class Life(unittest.TestCase):
    def test_the_kernel_answers_before_anything_compiles(self):
        begun = time.monotonic()
        with kernel(ready=False) as under_test:
            self.assertLess(time.monotonic() - begun, 10)
            self.assertEqual(under_test.run("", timeout=5).status, "ok")
            ran = under_test.run("40 + 2", timeout=READY)
            self.assertEqual((ran.status, ran.result["text/plain"]), ("ok", "42"), ran)

    def test_interrupts(self):
        with kernel() as under_test:
            under_test.run("let kept = 7;\nfn twice(n: i32) -> i32 { 2 * n }")
            with self.subTest("the first asks, and variables stay"):
                message = under_test.send(WAITS)
                after = under_test.send("kept + 100")
                time.sleep(3)
                self.assertEqual(under_test.interrupt()["status"], "ok")
                ran = under_test.answered(message, 20)
                self.assertEqual((ran.status, ran.text()), ("ok", "stopped by itself\n"), ran)
                self.assertIn("second interrupt", ran.text("stderr"))
                # Whoever interrupts does not want what waits either.
                self.assertEqual(under_test.answered(after).status, "aborted")
                self.assertEqual(under_test.run("kept").result["text/plain"], "7")
            with self.subTest("a signal does the same"):
                message = under_test.send(WAITS)
                time.sleep(3)
                os.kill(under_test.pid, signal.SIGINT)
                self.assertEqual(under_test.answered(message, 20).text(), "stopped by itself\n")
                self.assertEqual(under_test.run("kept").result["text/plain"], "7")
            with self.subTest("the second ends it by force, and definitions stay"):
                message = under_test.send("loop { std::thread::sleep(std::time::Duration::from_millis(10)); }")
                time.sleep(3)
                under_test.interrupt()
                time.sleep(0.5)
                under_test.interrupt()
                ran = under_test.answered(message, 30)
                self.assertEqual((ran.status, ran.content["ename"]), ("error", "ProcessEnded"), ran)
                self.assertEqual(under_test.run("twice(4)", timeout=READY).result["text/plain"], "8")
                self.assertEqual(under_test.run("kept").status, "error")
            with self.subTest("with nothing running nothing happens"):
                self.assertEqual(under_test.interrupt()["status"], "ok")
                self.assertEqual(under_test.run("1 + 1").status, "ok")

    def test_restart_and_end(self):
        with kernel() as under_test:
            under_test.run("let gone = 1;")
            message = under_test.send("loop { std::thread::sleep(std::time::Duration::from_millis(10)); }")
            time.sleep(2)
            begun = time.monotonic()
            under_test.client.stop_channels()
            under_test.manager.restart_kernel(now=False)
            self.assertLess(time.monotonic() - begun, 20, message)
            again = Kernel(under_test.manager)
            under_test.client = again.client
            ran = again.run("1 + 1", timeout=READY)
            self.assertEqual((ran.status, ran.content["execution_count"]), ("ok", 1), ran)
            self.assertEqual(again.run("gone").status, "error")
            answer = again.control("shutdown_request", {"restart": False})
            self.assertEqual((answer["status"], answer["restart"]), ("ok", False))
            until = time.monotonic() + 10
            while again.manager.is_alive() and time.monotonic() < until:
                time.sleep(0.1)
            self.assertFalse(again.manager.is_alive())

    def test_inputs_are_remembered_by_the_next_kernel(self):
        with kernel() as one:
            one.run("let remembered_by_the_next = 1;")
        with kernel(ready=False) as two:
            found = two.ask(two.client.history(hist_access_type="search", pattern="*remembered_by_the_next*", n=5))
            self.assertEqual([row[2] for row in found["history"]], ["let remembered_by_the_next = 1;"])

    def test_two_kernels_know_nothing_of_each_other(self):
        with kernel() as one, kernel() as two:
            one.run("let mine = 1;")
            two.run("let mine = 2;")
            first, second = one.send("mine * 10"), two.send("mine * 10")
            self.assertEqual(two.answered(second).result["text/plain"], "20")
            self.assertEqual(one.answered(first).result["text/plain"], "10")

    def test_memory_stays_bounded_however_much_is_printed(self):
        with kernel() as under_test:
            # What Rust's types take is there once the first variable is.
            under_test.run('let line = "y".repeat(99);\nfor _ in 0..10 { println!("{line}"); }')
            before = resident(under_test.pid)
            ran = under_test.run('for _ in 0..500_000 { println!("{line}"); }', timeout=180)
            self.assertEqual(ran.status, "ok", ran)
            self.assertLess(resident(under_test.pid) - before, 120)


class Displays(unittest.TestCase):
    def test_a_training_is_one_display_that_is_brought_up_to_date(self):
        with tempfile.TemporaryDirectory() as folder, kernel(cwd=folder) as under_test:
            ran = under_test.run(":train simclr digits --epochs 6 --name live", timeout=300)
            self.assertEqual(ran.status, "ok", ran)
            self.card(ran)
            with self.subTest("and `run` is bound to it"):
                self.assertEqual(under_test.run("run.report()?").status, "ok")
            with self.subTest("an interrupt stops it and keeps what it has"):
                under_test.run("let kept = 3;")
                message = under_test.send(":train simclr digits --epochs 500 --name long")
                under_test.until(message, lambda m: m["msg_type"] == "update_display_data", 120)
                time.sleep(1)
                under_test.interrupt()
                ran = under_test.answered(message, 60)
                self.assertEqual(ran.status, "ok", ran)
                last = [m for m in ran.messages if m["msg_type"] == "update_display_data"][-1]
                self.assertIn("stopped after", last["content"]["data"]["text/plain"])
                self.assertEqual(under_test.run("kept").result["text/plain"], "3")
                self.assertEqual(under_test.run("run.folder().is_dir()").status, "ok")

    def card(self, ran):
        shown = [m for m in ran.messages if m["msg_type"] == "display_data" and "to go" in str(m["content"])
                 or m["msg_type"] == "display_data" and "epoch" in str(m["content"])]
        ids = {m["content"]["transient"].get("display_id") for m in shown}
        self.assertEqual(len(ids), 1, ids)
        (own,) = ids
        updates = [m for m in ran.messages if m["msg_type"] == "update_display_data"
                   and m["content"]["transient"]["display_id"] == own]
        self.assertGreaterEqual(len(updates), 3)
        at = [m["at"] for m in shown + updates]
        # Five a second at most, and the last one at once.
        for first, sixth in zip(at, at[6:]):
            self.assertGreater(sixth - first, 0.85, at)
        first, last = shown[0]["content"]["data"], updates[-1]["content"]["data"]
        self.assertIn("progressbar", first["text/html"])
        self.assertIn("text/plain", first)
        self.assertIn("done after", last["text/plain"])
        self.assertIn("image/png", last)
        self.assertIn("data:image/png", last["text/html"])
        for data in [m["content"]["data"] for m in shown + updates]:
            self.assertNotIn("<script", data["text/html"])
            self.assertNotIn("\x1b", data["text/plain"])


if __name__ == "__main__":
    unittest.main()
