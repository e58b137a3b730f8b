"""How far the end of a whole GPT-2 in bf16 may be off: by what rounding alone makes of it, as tools/gpt2/spread.hpp has
it, at the sizes that are timed.

The model runs in double, and several times more with every value off at random by up to half a last place of bf16
(Monte-Carlo arithmetic: Parker, UCLA CSD-970002, 1997): what those runs scatter by, sides scatter by too. Sequences are
run one by one, which changes nothing and needs less memory."""

import math

import torch

from gpt2_model import Gpt2, tokens_of

RUNS = 11  # an even number of degrees of freedom, whose tail is a finite sum
FALSE_ALARMS = 1e-6
EACH = "each_gradient"
DIGITS = 8  # of bf16, whose exponents are those of fp32: nothing underflows here


def perturbed(x):
    """Off by a uniform share of a last place, -1/2 to 1/2; what the dtype holds stays as it is."""
    fraction, _ = torch.frexp(x)  # 1/2 to 1
    place = x / fraction * 2.0 ** -DIGITS
    moved = x + place * (torch.rand_like(x) - 0.5)
    return torch.where((x == 0) | (x / place == torch.floor(x / place)), x, moved)


class Held(torch.autograd.Function):
    """A value and its gradient, each as if bf16 had held it."""

    @staticmethod
    def forward(context, x, there, back):
        context.back = back
        return perturbed(x) if there else x.clone()

    @staticmethod
    def backward(context, above):
        return perturbed(above) if context.back else above, None, None


def held(x, there=True, back=True):
    return Held.apply(x, there, back)


class Rounded(Gpt2):
    """Off wherever any of the sides may round: each value and its gradient; a product twice, as one whose parts are
    rounded before they are added (cuBLAS may) or whose sum with the residual is another operation; the gradient
    of each branch before the branches meet; probabilities of attention, and the gradients of its scores."""

    def embed(self, tokens, first):
        return held(super().embed(tokens, first))

    def norm(self, name, x):
        return held(super().norm(name, held(x, there=False)))

    def linear(self, name, x):
        return held(held(super().linear(name, held(x, there=False))))

    def activate(self, x):
        return held(super().activate(x))

    def add(self, x, y):
        return held(super().add(x, y))

    def attend(self, q, k, v, causal):
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if causal:
            seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        p = torch.softmax(held(scores, there=False), -1)
        return held(held(p, back=False) @ v)

    def head(self, x):
        return held(held(super().head(held(x, there=False))))


def outcome(model, work, batch, length):
    """What a pass is judged by: "logits" of the last tokens; or "loss", gradients by name, of a step their "norm"."""
    device = next(model.parameters()).device
    tokens, targets = (each.to(device) for each in tokens_of(model.config, batch, length))
    if work in ("backward", "step"):
        found = gradients_by_sequence(model, tokens, targets)
        return found | {"norm": norm_of(found)} if work == "step" else found
    with torch.no_grad():
        if work == "decode":
            return {"logits": model.decode(torch.zeros(batch, 1, dtype=torch.long, device=device))[0]}
        return {"logits": torch.cat([model.head(model.before_head(each[None])[:, -1]) for each in tokens])}


def gradients_by_sequence(model, tokens, targets):
    total, sums = 0.0, None
    for each, wanted in zip(tokens, targets):
        loss = model.loss(each[None], wanted[None]) / len(tokens)
        found = torch.autograd.grad(loss, list(model.parameters()))
        total += loss.detach()
        sums = found if sums is None else [a + b for a, b in zip(sums, found)]
    if isinstance(model, Rounded):
        sums = [perturbed(perturbed(each)) for each in sums]
    return {"loss": total, **{f"gradient.{name}": each for name, each in zip(model.names, sums)}}


def norm_of(named):
    gradients = [each for name, each in named.items() if name.startswith("gradient.")]
    return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each) for each in gradients]))


def distances(got, exact):
    """Root mean square, relative, by name; and that of all gradients as one, "gradient"."""
    off = {name: float(torch.linalg.vector_norm(got[name].to(each) - each)) for name, each in exact.items()}
    size = {name: float(torch.linalg.vector_norm(each)) for name, each in exact.items()}
    for of in (off, size):
        squares = [each ** 2 for name, each in of.items() if name.startswith("gradient.")]
        if squares:
            of["gradient"] = math.sqrt(sum(squares))
    return {name: off[name] / size[name] for name in off}


def tail_of_student(t, freedom):
    """P(T > t), t > 0, for an even number of degrees of freedom: Abramowitz and Stegun, 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    term = total = 1.0
    for k in range(1, freedom // 2):
        term *= (2 * k - 1) / (2 * k) * math.cos(angle) ** 2
        total += term
    return (1 - math.sin(angle) * total) / 2


def quantile_of_student(tail, freedom):
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if tail_of_student(middle, freedom) > tail else (low, middle)
    return high


def limit_of(distances):
    """That one run more exceeds once in a million: a prediction limit of their logarithms."""
    logarithms = [math.log(max(each, 2.0 ** -1000)) for each in distances]
    n = len(logarithms)
    mean = sum(logarithms) / n
    deviation = math.sqrt(sum((each - mean) ** 2 for each in logarithms) / (n - 1))
    return math.exp(mean + quantile_of_student(FALSE_ALARMS, n - 1) * deviation * math.sqrt(1 + 1 / n))


def worse(a, b):
    return a if a != a or a > b else b  # no number is the worst


class Yardstick:
    """The exact outcome of a pass and how far from it each part of it may be."""

    def __init__(self, folder, work, batch, length, device):
        torch.manual_seed(1)

        models = [kind(folder, torch.float64, device) for kind in (Gpt2, Rounded)]
        for model in models if work == "decode" else ():
            model.fill_caches(batch, length)
        self.exact = outcome(models[0], work, batch, length)
        runs = []
        for _ in range(RUNS):
            runs.append(distances(outcome(models[1], work, batch, length), self.exact))
        self.limits = {name: limit_of([each[name] for each in runs]) for name in runs[0]}

    def verdict(self, got):
        """As judging.Judge gives it, shares of the limit; of the parameters' gradients the worst."""
        shares, failed = {}, []
        for name, off in distances(got, self.exact).items():
            share, output = off / self.limits[name], EACH if name.startswith("gradient.") else name
            shares[output] = worse(share, shares.get(output, 0.0))
            if not share <= 1:
                failed.append(f"{name} is {off:.3g} off; rounding makes {self.limits[name]:.3g}, once in a million")
        return {"by": "spread", "worst_fraction": shares, "failed": failed}
