"""What the machine is, and how it does while it measures: clocks and power as nvidia-smi has them."""

import datetime
import os
import shutil
import subprocess
import tempfile

FIELDS = ("clocks.sm", "clocks.mem", "power.draw", "temperature.gpu", "utilization.gpu")


class Conditions:
    """A log of the GPU's state, every quarter of a second, while it is open; empty where there is no nvidia-smi."""

    def __enter__(self):
        self.file, self.process = tempfile.TemporaryFile("w+"), None
        program = shutil.which("nvidia-smi")
        if program:
            self.process = subprocess.Popen([program, "--query-gpu=" + ",".join(FIELDS), "--format=csv,noheader,nounits",
                                             "--id=0", "--loop-ms=250"], stdout=self.file, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.file.close()

    def mark(self):
        """Where the log stands now, for since()."""
        return os.fstat(self.file.fileno()).st_size

    def since(self, mark):
        """Least, median and largest of each field since then; None for what was not read."""
        text = os.pread(self.file.fileno(), self.mark() - mark, mark).decode()
        return summary(text)


def summary(text):
    columns = {field: [] for field in FIELDS}
    for line in text.splitlines():
        words = line.split(",")
        if len(words) != len(FIELDS):
            continue  # the first or the last, cut
        for field, word in zip(FIELDS, words):
            try:
                columns[field].append(float(word))
            except ValueError:
                pass  # "[N/A]"
    found = {}
    for field, values in columns.items():
        values.sort()
        found[field] = {"least": values[0], "median": values[len(values) // 2], "largest": values[-1]} if values else None
    return found


def gpu_facts():
    """{"gpu", "driver", "power_limit_w"} of the first one, None where there is none."""
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    asked = subprocess.run([program, "--query-gpu=name,driver_version,power.limit", "--format=csv,noheader,nounits", "--id=0"],
                           capture_output=True, text=True)
    words = [word.strip() for word in asked.stdout.split(",")]
    return dict(zip(("gpu", "driver", "power_limit_w"), words)) if len(words) == 3 else None


def present_time():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
