"""The suite that Jupyter's own project has for kernels."""

import unittest

import jupyter_kernel_test
from harness import NAME, READY, Kernel


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = NAME
    language_name = "rust"
    file_extension = ".rs"
    code_hello_world = 'println!("hello, world");'
    code_stderr = 'eprintln!("oops");'
    completion_samples = [{"text": ":methods", "matches": {":methods"}}]
    complete_code_samples = ["1 + 1", "fn f() {\n}\n", ":train simclr digits"]
    incomplete_code_samples = ["fn f() {", "let x =", "let s = \"open"]
    invalid_code_samples = ["let x = 1)"]
    code_generate_error = "let x: u8 = \"text\";"
    code_execute_result = [{"code": "6 * 7", "result": "42"}, {"code": "6 * 7", "result": "42"},
                           {"code": "6 * 7", "result": "42"}]
    code_display_data = [{"code": 'selfsame::front::show_figure(&selfsame::plot::curves("t", "x", "y", &[])?)?;',
                          "mime": "image/svg+xml"}]
    code_history_pattern = "6?*7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "nt_xent"
    code_clear_output = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The suite waits fifteen seconds for a cell, which is less than a cold start takes.
        client = Kernel.__new__(Kernel)
        client.manager, client.client, client.early = cls.km, cls.kc, []
        ran = client.run("1 + 1", timeout=READY)
        assert ran.status == "ok", ran


if __name__ == "__main__":
    unittest.main()
