"""Cross-entropy of rows, their total, and its gradient: sums of exponentials and differences, as mpmath has them."""

import math

from mpmath import mp, mpf


class Batch:
    """All rows of a case; each output flat, in order."""

    def __init__(self, case, tensors):
        self.columns = int(case.shape["v"])
        self.live = int(case.shape["live"]) or self.columns
        self.mean, self.scale = case.variant == "mean", case.parameter("scale")
        self.targets = tensors["targets"]
        self.rows = [tensors["logits"][r * self.columns:r * self.columns + self.live] for r in range(len(self.targets))]
        self.counted = sum(target >= 0 for target in self.targets)

    def loss(self, row, target):
        if target < 0:
            return mpf(0)
        if target >= self.live or any(math.isnan(x) or x == math.inf for x in row):
            return math.nan
        if row[target] == -math.inf:
            return math.inf
        with mp.extraprec(300):  # the logarithm and the logit may nearly cancel
            return mp.log(mp.fsum(mp.exp(mpf(x)) for x in row if x != -math.inf)) - mpf(row[target])

    def slopes(self, row, target):
        """The loss's derivatives in the row's live logits."""
        if target < 0:
            return [mpf(0)] * self.live
        if target >= self.live or any(math.isnan(x) or x == math.inf for x in row):
            return [math.nan] * self.live
        with mp.extraprec(300):
            powers = [mpf(0) if x == -math.inf else mp.exp(mpf(x)) for x in row]
            total = mp.fsum(powers)
            if total == 0:
                return [mpf(-1) if j == target else mpf(0) for j in range(self.live)]
            # p_t - 1 = -(the others' share)
            return [-mp.fsum(powers[:j] + powers[j + 1:]) / total if j == target else power / total
                    for j, power in enumerate(powers)]

    def total(self):
        losses = [self.loss(*pair) for pair in zip(self.rows, self.targets)]
        if self.mean and self.counted == 0:
            return mpf(0)
        wild = [x for x in losses if isinstance(x, float)]
        if wild:
            return sum(wild)
        return mp.fsum(losses) / (self.counted if self.mean else 1)

    def gradient(self):
        for row, target in zip(self.rows, self.targets):
            for slope in self.slopes(row, target):
                if isinstance(slope, float) or target < 0:
                    yield slope
                else:
                    yield slope * mpf(self.scale) / (self.counted if self.mean else 1)
            yield from [mpf(0)] * (self.columns - self.live)


class Output:
    def __init__(self, batch, name):
        self.batch, self.name = batch, name

    def values(self, bits):
        with mp.workprec(bits):
            if self.name == "gradient":
                return list(self.batch.gradient())
            if self.name == "total":
                return [self.batch.total()]
            return [self.batch.loss(*pair) for pair in zip(self.batch.rows, self.batch.targets)]


def expected(case, output, tensors):
    """Pairs of an index and (output, place in it)."""
    batch = Batch(case, tensors)
    count = {"gradient": len(batch.rows) * batch.columns, "total": 1}.get(output, len(batch.rows))
    of = Output(batch, output)
    for at in range(count):
        yield at, (of, at)
