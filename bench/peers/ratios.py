"""Times of several sides that took turns, and what may be said of their ratios."""

import numpy as np

LEVEL = 0.95  # of intervals
RESAMPLES = 10000


def order_of_turn(sides, turn):
    """Every side once, and once more in the other order: a drift that is even over a turn meets all of them alike.
    Turns begin with another side each, so that none always follows the same one."""
    first = turn % len(sides)
    forward = sides[first:] + sides[:first]
    return forward + forward[::-1]


def quantiles(seconds):
    return dict(zip(("p10", "p50", "p90"), (float(q) for q in np.quantile(seconds, (0.1, 0.5, 0.9)))))


def ratio(above, below, seed=1):
    """Median of `above` over median of `below`, and its interval by the bootstrap over turns: samples of a turn, two a
    side, are drawn together. Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13 (percentiles)."""
    a, b = (np.reshape(np.asarray(times, float), (-1, 2)) for times in (above, below))
    if a.shape != b.shape or len(a) == 0:
        raise ValueError(f"{len(above)} and {len(below)} samples; expected two a turn of either side")
    drawn = np.random.default_rng(seed).integers(len(a), size=(RESAMPLES, len(a)))

    def medians(times):
        return np.median(times[drawn].reshape(RESAMPLES, -1), axis=1)

    low, high = np.quantile(medians(a) / medians(b), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return {"ratio": float(np.median(a) / np.median(b)), "low": float(low), "high": float(high), "level": LEVEL}
