"""A step of AdamW, written by what it does to a weight, as mpmath has it; the copy of a weight is the weight."""

import math

from mpmath import mp, mpf
from settled import to_fp32


class Steps:
    """All parameters of a case; one of the outputs, in order."""

    def __init__(self, case, output, tensors):
        self.output = "new_weight" if output == "copy" else output
        self.set = {name: to_fp32(case.shape[name]) for name in ("rate", "beta1", "beta2", "eps", "decay")}
        self.step, self.factor = int(case.shape["step"]), tensors["factor"][0]
        self.of = list(zip(tensors["weight"], tensors["gradient"], tensors["mean"], tensors["square"]))

    def values(self, bits):
        with mp.workprec(bits + 1200):  # moments of fp32 and their products
            return [self.of_parameter(*each) for each in self.of]

    def of_parameter(self, weight, gradient, mean, square):
        uses = {"new_mean": (gradient, mean), "new_square": (gradient, square)}.get(
            self.output, (weight, gradient, mean, square))
        if not all(math.isfinite(x) for x in (self.factor, *uses)):
            return self.wild(weight, self.factor * gradient, mean, square)
        g = mpf(self.factor) * mpf(gradient)
        if self.output == "new_mean":
            return self.averaged("beta1", mean, g)
        if self.output == "new_square":
            return self.averaged("beta2", square, g ** 2)
        length = mp.sqrt(self.corrected("beta2", self.averaged("beta2", square, g ** 2))) + self.set["eps"]
        along = self.corrected("beta1", self.averaged("beta1", mean, g))
        if length == 0:
            return math.nan if along == 0 else math.copysign(math.inf, -along)
        kept = 1 - mpf(self.set["rate"]) * mpf(self.set["decay"])
        return kept * weight - mpf(self.set["rate"]) * along / length

    def averaged(self, beta, old, new):
        return new + mpf(self.set[beta]) * (mpf(old) - new)

    def corrected(self, beta, moment):
        return moment / (1 - mpf(self.set[beta]) ** self.step)

    def wild(self, weight, g, mean, square):
        """What is infinite or no number, as IEEE 754 has the formula; what it leaves finite, in many digits."""
        s = self.set
        mean = s["beta1"] * mean + (1 - s["beta1"]) * g
        square = s["beta2"] * square + (1 - s["beta2"]) * g * g
        if self.output != "new_weight":
            return mean if self.output == "new_mean" else square
        if math.isinf(square) and math.isfinite(mean) and math.isfinite(weight):
            return (1 - mpf(s["rate"]) * mpf(s["decay"])) * mpf(weight)  # no update, and the decay
        length = math.sqrt(square) + s["eps"]
        update = mean / length if length > 0 else math.nan
        return weight - s["rate"] * (update + s["decay"] * weight)


def expected(case, output, tensors):
    """Pairs of an index and (steps, place in them)."""
    steps = Steps(case, output, tensors)
    for at in range(len(steps.of)):
        yield at, (steps, at)
