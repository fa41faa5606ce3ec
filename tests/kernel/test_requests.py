"""Requests other than running cells, on both channels."""

import time
import unittest

from harness import kernel


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.context = kernel()
        cls.kernel = cls.context.__enter__()
        cls.kernel.run("let numbers = vec![1.0_f32, 2.0];\nlet größe = 3;")
        cls.client = cls.kernel.client

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)

    def complete(self, code, cursor=None):
        return self.kernel.ask(self.client.complete(code, cursor))

    def test_kernel_info(self):
        info = self.kernel.ask(self.client.kernel_info())
        self.assertEqual(info["language_info"]["name"], "rust")
        self.assertTrue(info["protocol_version"].startswith("5."))
        self.assertIs(info["debugger"], False)

    def test_rust_is_completed_with_types(self):
        found = self.complete("numbers.le")
        self.assertIn("len", " ".join(found["matches"]))
        self.assertEqual((found["cursor_start"], found["cursor_end"]), (8, 10))
        types = found["metadata"]["_jupyter_types_experimental"]
        of_len = next(t for t in types if t["text"].startswith("len"))
        self.assertIn(of_len["type"], ("function", "instance"))
        self.assertIn("usize", of_len["signature"])

    def test_cursors_count_characters(self):
        found = self.complete("let größer = größe + numbers.is_em;", 34)
        self.assertEqual((found["cursor_start"], found["cursor_end"]), (29, 34), found)
        self.assertTrue(any(m.startswith("is_empty") for m in found["matches"]), found)

    def test_commands_and_their_arguments_are_completed(self):
        self.assertIn(":train", self.complete(":tr")["matches"])
        self.assertIn("simclr", self.complete(":seed 1\n:train sim")["matches"])
        self.assertIn("--epochs", self.complete(":train simclr digits --ep")["matches"])
        self.assertEqual(self.complete("// nothing he")["matches"], [])

    def test_names_are_inspected(self):
        found = self.kernel.ask(self.client.inspect("numbers", 3))
        self.assertTrue(found["found"])
        self.assertIn("Vec<f32>", found["data"]["text/plain"])
        self.assertIn("<table", found["data"]["text/html"])
        found = self.kernel.ask(self.client.inspect("nt_xent(", 8))
        self.assertIn("nt_xent", found["data"]["text/plain"])
        found = self.kernel.ask(self.client.inspect(":train simclr", 8))
        self.assertIn("--epochs", found["data"]["text/plain"])
        self.assertFalse(self.kernel.ask(self.client.inspect("nowhere_to_be_found"))["found"])

    def test_a_cell_is_complete_or_not(self):
        for code, status in [("1 + 1", "complete"), ("fn f() {", "incomplete"), ("let x = 1)", "invalid")]:
            self.assertEqual(self.kernel.ask(self.client.is_complete(code))["status"], status, code)
        self.assertEqual(self.kernel.ask(self.client.is_complete("fn f() {"))["indent"], "    ")

    def test_history(self):
        self.kernel.run("let in_history = 1;")
        tail = self.kernel.ask(self.client.history(hist_access_type="tail", n=1))
        self.assertEqual(tail["history"][0][2], "let in_history = 1;")
        found = self.kernel.ask(self.client.history(hist_access_type="search", pattern="*in_history*", n=5))
        self.assertGreaterEqual(len(found["history"]), 1)

    def test_there_are_no_comms(self):
        self.assertEqual(self.kernel.ask(self.client.comm_info())["comms"], {})
        message = self.client.session.msg("comm_open", {"comm_id": "x", "target_name": "t", "data": {}})
        self.client.shell_channel.send(message)
        closed = self.kernel.until(message["header"]["msg_id"], lambda m: m["msg_type"] == "comm_close")
        self.assertEqual(closed["content"]["comm_id"], "x")

    def test_what_is_not_there_is_said(self):
        answer = self.kernel.control("debug_request", {"seq": 3, "type": "request", "command": "attach"})
        self.assertFalse(answer["success"])
        self.assertIn("no debugger", answer["message"])
        answer = self.kernel.control("create_subshell_request", {})
        self.assertEqual(answer["status"], "error")

    def test_a_forged_message_is_dropped(self):
        forged = type(self.client.session)(key=b"not the key")
        begun = time.monotonic()
        message = forged.send(self.client.shell_channel.socket, "execute_request",
                              {"code": "let forged = 1;", "silent": False})
        with self.assertRaises(AssertionError):
            self.kernel.until(message["header"]["msg_id"], lambda m: True, timeout=2)
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(self.kernel.run("forged").status, "error")
        self.assertEqual(self.kernel.run("1 + 1").status, "ok")


if __name__ == "__main__":
    unittest.main()
