"""Cells: results, errors, order, commands, questions."""

import tempfile
import unittest

from harness import kernel


class Cells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.context = kernel(cwd=cls.folder.name)
        cls.kernel = cls.context.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)
        cls.folder.cleanup()

    def ok(self, code, **options):
        ran = self.kernel.run(code, **options)
        self.assertEqual(ran.status, "ok", ran)
        return ran

    def fails(self, code, name, **options):
        ran = self.kernel.run(code, **options)
        self.assertEqual((ran.status, ran.content.get("ename")), ("error", name), ran)
        (published,) = ran.of("error")
        for field in ("ename", "evalue", "traceback"):
            self.assertEqual(published[field], ran.content[field])
        self.assertTrue(ran.content["evalue"] and ran.content["traceback"], ran)
        return ran

    def test_counters_inputs_results_and_streams(self):
        first = self.ok('println!("to {}", "stdout"); eprintln!("to stderr"); 6 * 7')
        count = first.content["execution_count"]
        self.assertEqual(first.of("execute_input")[0]["execution_count"], count)
        self.assertEqual(first.of("execute_result")[0]["execution_count"], count)
        self.assertEqual(first.result["text/plain"], "42")
        self.assertEqual((first.text(), first.text("stderr")), ("to stdout\n", "to stderr\n"))
        states = [c["execution_state"] for c in first.of("status")]
        self.assertEqual(states, ["busy", "idle"])
        self.assertEqual(self.ok("let a = 1;").content["execution_count"], count + 1)
        self.assertEqual(self.ok("let a = 1;", store_history=False).content["execution_count"], count + 1)
        self.assertEqual(self.ok("a + 1").content["execution_count"], count + 2)
        self.assertEqual(self.ok("let nothing = ();").of("execute_result"), [])

    def test_silence(self):
        before = self.ok("0").content["execution_count"]
        ran = self.ok('println!("unheard"); 3', silent=True)
        self.assertEqual({m["msg_type"] for m in ran.messages}, {"status"}, ran)
        self.assertEqual(self.ok("0").content["execution_count"], before + 1)

    def test_text_appears_while_the_cell_runs(self):
        code = 'for i in 0..3 { println!("line {i}"); std::thread::sleep(std::time::Duration::from_millis(600)); }'
        ran = self.ok(code)
        at = [m["at"] for m in ran.messages if m["msg_type"] == "stream"]
        self.assertEqual(ran.text(), "line 0\nline 1\nline 2\n")
        self.assertGreaterEqual(len(at), 3)
        self.assertGreater(at[-1] - at[0], 0.9)

    def test_a_line_without_end_is_whole(self):
        ran = self.ok('use std::io::Write; print!("50 "); std::io::stdout().flush().unwrap(); '
                      'std::thread::sleep(std::time::Duration::from_millis(300)); print!("%");')
        self.assertEqual(ran.text(), "50 %\n")

    def test_a_compile_error_names_the_place(self):
        ran = self.fails("let number: u8 = \"two\";", "CompileError")
        text = "\n".join(ran.content["traceback"])
        self.assertIn("1 | let number: u8 = \"two\";", text)
        self.assertIn("^", text)

    def test_a_panic_is_an_error_and_variables_stay(self):
        self.ok("let kept = vec![1, 2, 3];")
        ran = self.fails('if kept.len() == 3 { panic!("on purpose"); }', "Panic")
        self.assertIn("on purpose", ran.content["evalue"])
        self.assertEqual(self.ok("kept.len()").result["text/plain"], "3")
        self.fails("assert_eq!(kept.len(), 4);", "Panic")

    def test_a_failed_question_mark_is_an_error(self):
        ran = self.fails('let text = std::fs::read_to_string("not/there")?;', "Error")
        self.assertIn("No such file", ran.content["evalue"])

    def test_an_error_aborts_what_waits_and_only_when_it_should(self):
        bad = self.kernel.send('let x: u8 = "no";')
        next_one = self.kernel.send("1 + 1")
        self.assertEqual(self.kernel.answered(bad).status, "error")
        self.assertEqual(self.kernel.answered(next_one).status, "aborted")
        bad = self.kernel.send('let x: u8 = "no";', stop_on_error=False)
        next_one = self.kernel.send("1 + 1")
        self.assertEqual(self.kernel.answered(bad).status, "error")
        self.assertEqual(self.kernel.answered(next_one).status, "ok")

    def test_user_expressions_are_refused_politely(self):
        answer = self.ok("1", user_expressions={"two": "1 + 1"}).content["user_expressions"]
        self.assertEqual(answer["two"]["status"], "error")
        self.assertIn("no user_expressions", answer["two"]["evalue"])

    def test_gradients_cross_cells(self):
        self.ok("use selfsame::dfdx::prelude::*;\nlet dev: Cpu = Default::default();\n"
                "let w: Tensor<Rank2<3, 2>, f32, Cpu> = dev.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);")
        self.ok("let x: Tensor<Rank2<4, 3>, f32, Cpu> = dev.ones();")
        self.ok("let gradients = x.leaky_trace().matmul(w.clone()).sum::<Rank0, _>().backward();")
        ran = self.ok('println!("{:?} {:?}", gradients.get(&w).array(), gradients.get(&x).array()[0]);')
        self.assertEqual(ran.text(), "[[4.0, 4.0], [4.0, 4.0], [4.0, 4.0]] [3.0, 7.0, 11.0]\n")

    def test_values_are_rich_and_have_plain_text(self):
        for code in ["let digits = Digits::load()?;\ndigits.pictures(8)", "digits.test()",
                     "let t: selfsame::dfdx::prelude::Tensor<(Const<2>, Const<3>), f32, Cpu> = "
                     "selfsame::dfdx::prelude::OnesTensor::ones(&Cpu::default());\nt"]:
            shown = self.ok(code).result
            rich = shown.get("text/html") or shown.get("image/svg+xml")
            self.assertTrue(rich and shown["text/plain"], shown.keys())
            self.assertNotIn("<script", rich)
        figure = self.ok('selfsame::plot::curves("t", "x", "y", &[selfsame::plot::Series::new("a", '
                         "vec![(0.0, 1.0), (1.0, 2.0)])])?").result
        self.assertTrue(figure["image/svg+xml"].startswith("<svg"))
        shown = self.ok('selfsame::front::show_figure(&selfsame::plot::curves("t", "x", "y", &[])?)?;')
        (data,) = shown.of("display_data")
        self.assertIn("image/svg+xml", data["data"])

    def test_commands_work_as_at_the_prompt(self):
        self.assertIn("simclr", self.ok(":methods").text())
        mixed = self.ok("// a comment\n:seed 7\nlet n = 2;\nn + 1\n\n:seed")
        self.assertIn("seed 7", mixed.text())
        self.assertEqual(mixed.result["text/plain"], "3")
        self.assertEqual(self.ok("!echo from the shell").text(), "from the shell\n")
        ran = self.fails(":trian simclr digits", "CommandError")
        self.assertIn("train", ran.content["evalue"])
        ran = self.fails(":train nothing digits", "CommandError")
        self.assertIn("nothing", ran.content["evalue"])
        self.fails("!exit 3", "CommandError")

    def test_variables_are_listed_as_a_table(self):
        self.ok("let listed = 5_u8;")
        (table,) = self.ok(":vars").of("display_data")
        self.assertIn("listed", table["data"]["text/plain"])
        self.assertIn("<table", table["data"]["text/html"])

    def test_loading_a_file_fills_the_next_cell(self):
        with open(f"{self.folder.name}/a.ssl", "w") as file:
            file.write("let a = 1;\n")
        (payload,) = self.ok(":load a.ssl").content["payload"]
        self.assertEqual((payload["source"], payload["text"]), ("set_next_input", "let a = 1;"))

    def test_questions_are_asked_and_answered(self):
        message = self.kernel.send(":tour", allow_stdin=True)
        asked = self.kernel.client.get_stdin_msg(timeout=20)
        self.assertEqual(asked["msg_type"], "input_request")
        self.assertIn("q leaves", asked["content"]["prompt"])
        self.assertFalse(asked["content"]["password"])
        self.kernel.client.input("q")
        ran = self.kernel.answered(message)
        self.assertEqual(ran.status, "ok", ran)
        self.assertIn("The data", ran.text())

    def test_fifty_megabytes_are_cut_in_the_middle(self):
        ran = self.ok('let line = "x".repeat(99);\nfor i in 0..500_000 { println!("{line}{i}"); }\n'
                      'println!("the last line");', timeout=180)
        text = ran.text()
        self.assertLess(len(text), 2_000_000)
        self.assertTrue(text.startswith("x" * 99 + "0\n"), text[:200])
        self.assertIn("left out", text)
        self.assertTrue(text.endswith("the last line\n"), text[-200:])
        self.assertLess(len(ran.of("stream")), 200)


if __name__ == "__main__":
    unittest.main()
