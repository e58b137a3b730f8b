"""Layer norm and its gradients: a row, or a column of the gradients of gamma and beta, as mpmath has them."""

import math

from mpmath import mp, mpf
from settled import Decided, rounded_double


def finite(values):
    return all(math.isfinite(value) for value in values)


class Row:
    """Forward: y of a row, then its mean and rstd."""

    def __init__(self, x, gamma, beta, eps):
        self.x, self.gamma, self.beta, self.eps = x, gamma, beta, eps

    def values(self, bits):
        if not finite(self.x):
            return [math.nan] * (len(self.x) + 2)
        with mp.workprec(bits):
            # The distances from the mean may be far smaller than the mean.
            with mp.extraprec(600):
                mean = mp.fsum(mpf(x) for x in self.x) / len(self.x)
                off = [mpf(x) - mean for x in self.x]
            under = mp.fsum(d * d for d in off) / len(off) + mpf(self.eps)
            rstd = mpf(0) if under == 0 else 1 / mp.sqrt(under)
            results = [self.result(d * rstd, *rest) for d, *rest in zip(off, self.gamma, self.beta)]
            return [*results, mean, rstd]

    @staticmethod
    def result(xhat, gamma, beta):
        if finite([gamma, beta]):
            with mp.extraprec(600):
                return xhat * mpf(gamma) + mpf(beta)
        return gamma * float(mp.sign(xhat)) + beta


class Gradient:
    """dx of a row: the Jacobian of y times dy, with xhat made by the given mean and rstd."""

    def __init__(self, dy, x, gamma, mean, rstd, dsum):
        self.dy, self.x, self.gamma, self.mean, self.rstd, self.dsum = dy, x, gamma, mean, rstd, dsum

    def values(self, bits):
        n = len(self.x)
        known = finite(self.dy + self.x + self.gamma + [self.mean, self.rstd])
        number = mpf if known else float
        with mp.workprec(max(bits, 2400)):
            xhat = [(number(x) - number(self.mean)) * number(self.rstd) for x in self.x]
            if known:
                w = [mpf(dy) * mpf(gamma) for dy, gamma in zip(self.dy, self.gamma)]
                # d y_k / d x_j = gamma_k rstd (delta_jk - 1 / n - xhat_j xhat_k / n)
                dx = [mpf(self.rstd) * mp.fsum(w[k] * ((1 if j == k else 0) - (1 + xhat[j] * xhat[k]) / n)
                                               for k in range(n)) for j in range(n)]
                return [each + mpf(other) if math.isfinite(other) else other for each, other in zip(dx, self.dsum)]
            w = [gamma * dy for dy, gamma in zip(self.dy, self.gamma)]
            total, dot = sum(w), sum(each * h for each, h in zip(w, xhat))
            return [self.rstd * (w[j] - total / n - xhat[j] * (dot / n)) + self.dsum[j] for j in range(n)]


class Channel:
    """dgamma and dbeta of a channel."""

    def __init__(self, dy, x, mean, rstd):
        self.dy, self.x, self.mean, self.rstd = dy, x, mean, rstd

    def values(self, bits):
        if not finite(self.dy + self.x + self.mean + self.rstd):
            products = [dy * ((x - m) * r) for dy, x, m, r in zip(self.dy, self.x, self.mean, self.rstd)]
            return [sum(products), sum(self.dy) if not finite(self.dy) else self.total(self.dy, bits)]
        with mp.workprec(max(bits, 2400)):
            return [mp.fsum(mpf(dy) * (mpf(x) - mpf(m)) * mpf(r)
                            for dy, x, m, r in zip(self.dy, self.x, self.mean, self.rstd)), self.total(self.dy, bits)]

    @staticmethod
    def total(values, bits):
        with mp.workprec(max(bits, 2400)):
            return mp.fsum(mpf(value) for value in values)


def added(fmt, x, residual):
    """x + residual, exactly, rounded to the dtype."""
    if not finite([x, residual]):
        return x + residual
    with mp.workprec(600):
        return rounded_double(fmt, mpf(x) + mpf(residual))


def forward(case, output, tensors, fmt):
    c = int(case.shape["c"])
    x = tensors["x"]
    if output == "sum":
        yield from enumerate(Decided(added(fmt, *pair)) for pair in zip(x, tensors["residual"]))
        return
    if case.variant == "residual":
        x = [added(fmt, *pair) for pair in zip(x, tensors["residual"])]
    for r in range(int(case.shape["rows"])):
        row = Row(x[r * c:(r + 1) * c], tensors["gamma"], tensors["beta"], case.parameter("eps"))
        if output == "y":
            yield from ((r * c + j, (row, j)) for j in range(c))
        else:
            yield r, (row, c + (output == "rstd"))


def backward(case, output, tensors):
    c, rows = int(case.shape["c"]), int(case.shape["rows"])
    dy, x = tensors["dy"], tensors["sum" if case.variant == "residual" else "x"]
    dsum = tensors.get("dsum", [0.0] * len(x))
    if output == "dx":
        for r in range(rows):
            part = slice(r * c, (r + 1) * c)
            row = Gradient(dy[part], x[part], tensors["gamma"], tensors["mean"][r], tensors["rstd"][r], dsum[part])
            yield from ((r * c + j, (row, j)) for j in range(c))
        return
    for j in range(c):
        channel = Channel(dy[j::c], x[j::c], tensors["mean"], tensors["rstd"])
        yield j, (channel, int(output == "dbeta"))


def expected(case, output, tensors):
    if case.direction == "fwd":
        return forward(case, output, tensors, case.types["x"])
    return backward(case, output, tensors)
