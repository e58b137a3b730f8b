"""How far two computations in float64 are from each other, in the deviations that rounding explains."""

import math

import numpy as np
from mpmath import mp, mpf

FALSE_ALARM = 1e-6  # of one comparison of all outputs


def student(freedom, probability):
    """t with P(|T| > t) = probability, of Student's distribution."""
    with mp.workdps(30):
        def log_tail(t):
            return mp.log(mp.betainc(mpf(freedom) / 2, mpf(1) / 2, 0, freedom / (freedom + t * t), regularized=True))

        low, high, wanted = mpf(0), mpf(1), mp.log(mpf(probability))
        while log_tail(high) > wanted:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if log_tail(middle) > wanted else (low, middle)
        return float(high)


def limit(spread, runs):
    """In deviations that were measured by so many runs each: what one of all elements exceeds with FALSE_ALARM."""
    return student(runs, FALSE_ALARM / sum(np.size(value) for value in spread.values()))


def upwards(values):
    """As fp32, none of them smaller."""
    rounded = np.asarray(values).astype(np.float32)
    return np.where(rounded < values, np.nextafter(rounded, np.float32(np.inf)), rounded)


class Comparison:
    """`got` and `expected` by name; `spread` is the deviation of either."""

    def __init__(self, got, expected, spread, most):
        self.limit, self.rows, self.wrong = most, [], []
        for name in sorted(set(expected) | set(got)):
            if name not in got or name not in expected:
                self.wrong.append(f"{name} is {'missing' if name in expected else 'no output'}")
            elif np.shape(got[name]) != np.shape(expected[name]):
                self.wrong.append(f"{name} is {list(np.shape(got[name]))}; expected {list(np.shape(expected[name]))}")
            else:
                self.add(name, got[name], expected[name], spread[name])

    def add(self, name, got, expected, spread):
        difference = np.abs(np.asarray(got, float) - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations = np.where(difference == 0, 0.0, difference / (math.sqrt(2) * np.asarray(spread, float)))
        deviations = np.where(np.isnan(deviations), np.inf, deviations)  # NaN is never right here
        at = np.unravel_index(np.argmax(deviations), deviations.shape)
        worst, mean = float(deviations[at]), float(np.sqrt(np.mean(deviations ** 2)))
        self.rows.append({"name": name, "elements": int(np.size(got)), "worst": worst, "rms": mean,
                          "largest_difference": float(difference.max())})
        if not worst <= self.limit:
            place = ", ".join(str(int(i)) for i in at)
            self.wrong.append(f"{name}[{place}] is {float(got[at])!r}; expected {float(expected[at])!r}: "
                              f"{worst:.3g} deviations, {self.limit:.3g} allowed")

    def agrees(self):
        return not self.wrong and bool(self.rows)

    def to_json(self):
        finite = [{key: value if not isinstance(value, float) or math.isfinite(value) else str(value)
                   for key, value in row.items()} for row in self.rows]
        return {"agrees": self.agrees(), "limit": self.limit, "outputs": finite, "wrong": self.wrong}

    def text(self, every):
        elements = sum(row["elements"] for row in self.rows)
        worst = max(self.rows, key=lambda row: row["worst"], default={"worst": math.inf, "name": "nothing"})
        lines = [f"{len(self.rows)} outputs, {elements} elements; worst {worst['worst']:.3g} deviations of "
                 f"{self.limit:.3g}, in {worst['name']}"]
        for row in self.rows if every else [row for row in self.rows if row["name"] in ("logits", "loss")]:
            lines.append(f"{row['name']:32} {row['elements']:9} elements  worst {row['worst']:8.3g}  rms {row['rms']:8.3g}"
                         f"  largest difference {row['largest_difference']:.3g}")
        return "\n  ".join(lines + [f"WRONG  {line}" for line in self.wrong[:10]])
