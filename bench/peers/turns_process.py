"""`gpt2 time --by-turns` as a process that waits for its turn."""

import contextlib
import json
import subprocess
import tempfile

from kernels import KernelError


class TurnsProcess:
    def __init__(self, words):
        """Returns once it is loaded and warmed up; `about`: what it says that it is."""
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(words + ["--by-turns"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.close()
        raise KernelError(self.why)

    def ask(self):
        """One round: {"seconds": S}, and what else it told."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        return self.answer()

    def close(self):
        """Its input ends, and so does it; `why` is its last word."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        status = self.process.wait()
        with self.errors:
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
        self.why = said[-1] if said else f"{self.process.args[0]} ended with {status}"
        return status

    def finish(self):
        if self.close() != 0:
            raise KernelError(self.why)
