"""Results as files: a side's in Google Benchmark's JSON, which `assay compare` reads, and all of it in summary.json."""

import json
import os


def benchmark_entries(name, seconds, counters):
    return [{"name": name, "run_name": name, "run_type": "iteration", "repetitions": len(seconds), "repetition_index": i,
             "threads": 1, "iterations": 1, "real_time": 1e6 * each, "cpu_time": 1e6 * each, "time_unit": "us", **counters}
            for i, each in enumerate(seconds)]


def failed_entry(name, why):
    return {"name": name, "run_name": name, "run_type": "iteration", "error_occurred": True, "error_message": why}


class Folder:
    """One file a side: SIDE.json, with a benchmark's times under the same name in each."""

    def __init__(self, path, context):
        os.makedirs(path, exist_ok=True)
        self.path, self.context, self.sides, self.rows = path, context, {}, []

    def add(self, row):
        """A row as measuring.py makes it."""
        self.rows.append(row)
        for side, taken in row["sides"].items():
            entries = self.sides.setdefault(side, [])
            if taken.get("wrong"):
                entries.append(failed_entry(row["name"], taken["wrong"]))
            else:
                rates = {f"{what}_per_second": row[what] / taken["p50"] for what in ("flops", "bytes") if row.get(what)}
                entries += benchmark_entries(row["name"], taken["seconds"], rates)
        self.write()

    def write(self):
        """After every row, so that what ends early leaves what it has."""
        for side, entries in self.sides.items():
            self.put(side + ".json", {"context": {**self.context, "side": side}, "benchmarks": entries})
        self.put("summary.json", {"context": self.context, "rows": self.rows})

    def put(self, name, contents):
        part = os.path.join(self.path, name + ".part")
        with open(part, "w") as file:
            json.dump(contents, file, indent=1)
            file.write("\n")
        os.replace(part, os.path.join(self.path, name))
