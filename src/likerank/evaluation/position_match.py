"""Position match: how often a post is at its true place in a random set of n posts, exactly.

It is the ranking accuracy of the paper, which draws sets; here the chance is computed. A set of post i and
n - 1 others puts i at its true place where as many of them are above it in the score only as in the truth
only. The number of such sets is the coefficient of x^0 z^(n-1) in the product over the others of
1 + z (p + b x + c / x), with b, c and p the chances that another is above in the score only, in the truth
only, and in both or neither. These are 0 or 1 except for ties. Ties are broken by keys drawn uniformly: where
i's own keys are v and w, another post tied with i is above it with chance v in the score and w in the truth.
The coefficient is a polynomial of degree n - 1 at most in v and in w, so Gauss-Legendre quadrature over both
is exact, and so is the mean over n-th roots of unity that picks x^0.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from likerank.evaluation.metric import Metric, Sums
from likerank.evaluation.scored_posts import ABOVE, TIED, FloatArray, IntArray, ScoredPosts

_CHUNK = 200_000  # complex numbers an array: fits a core's cache

ComplexArray = NDArray[np.complex128]


def position_match(n: int) -> Metric:
    """Returns the metric: the chance that a post is at its true place in a random set of n posts.

    Groups are weighted by posts; a group needs n of them. A constant score gives 1 / n.

    Args:
        n: Posts in a set, at least 2. Rounding stays under 1e-12 up to 20 and 1e-8 at 30.
    """
    return Metric(
        name=f"position_match_{n}",
        label=f"of {n}",
        sentence="how often a post is at its true place in a random set of that many",
        lowest=0,
        highest=1,
        least_posts=n,
        exact=partial(_sums, n=n),
        of_lists=False,
    )


def _sums(posts: ScoredPosts, without: bool, n: int) -> Sums:
    chances = _chances(posts, n, False)[:, 0]
    enough = (posts.others >= n - 1).astype(np.float64)
    sums = Sums(posts.group_sums(chances), posts.group_sums(enough))
    if not without:
        return sums
    # Without a post, its own chance is gone and those of the posts that it is compared with change. Seen from
    # the post left out, a post that it is below is above.
    changes = _chances(posts, n, True) - chances[:, None]
    changed = posts.sum_others(changes.reshape(-1, 3, 3)[:, ::-1, ::-1])
    lost = posts.sum_of_others((posts.others == n - 1).astype(np.float64))
    return Sums(
        sums.numerator[posts.group] - chances + changed,
        sums.denominator[posts.group] - enough - lost,
    )


def _chances(posts: ScoredPosts, n: int, without: bool) -> FloatArray:
    """Each post's chance, (N, 1), or without another post that is [below, tied, above], (N, 9)."""
    counts = posts.counts
    chances = np.zeros((len(counts), 9 if without else 1))
    others = posts.others
    score_ties, truth_ties = counts[:, TIED].sum(1), counts[:, :, TIED].sum(1)
    enough = others >= (n if without else n - 1)
    any_place = enough & (np.maximum(score_ties, truth_ties) == others)
    chances[any_place] = 1 / n
    # Each tie adds one to the polynomial's degree, and k nodes integrate degree 2 k - 1 exactly.
    v_nodes, w_nodes = (np.minimum(ties, n - 1) // 2 + 1 for ties in (score_ties, truth_ties))
    kinds = v_nodes * n + w_nodes
    kinds[any_place | ~enough] = 0
    for kind in np.unique(kinds[kinds > 0]):
        nodes, weights = _quadrature(n, *divmod(int(kind), n))
        alike = np.flatnonzero(kinds == kind)
        step = max(1, _CHUNK // weights.size)
        for part in (alike[start : start + step] for start in range(0, alike.size, step)):
            chances[part] = _integrate(counts[part].reshape(-1, 9), nodes, weights, n, without)
    return chances


def _quadrature(n: int, v_nodes: int, w_nodes: int) -> tuple[ComplexArray, FloatArray]:
    """Returns p + b x + c / x of the nine positions at each of Q nodes, (Q, 9), and the weights, (Q,)."""
    (v, v_weight), (w, w_weight) = (np.polynomial.legendre.leggauss(nodes) for nodes in (v_nodes, w_nodes))
    v, w = (v + 1) / 2, (w + 1) / 2
    k = np.arange(n // 2 + 1)
    x = np.exp(2j * np.pi * k / n)[None, None, :, None, None]
    # The other half of the circle is conjugate: its real parts are the same.
    x_weight = np.where((k == 0) | (2 * k == n), 1, 2) / n
    tied, above = np.eye(3)[[TIED, ABOVE]]
    score_above = (above + np.multiply.outer(v, tied))[:, None, None, :, None]
    truth_above = (above + np.multiply.outer(w, tied))[None, :, None, None, :]
    score_only, truth_only = score_above * (1 - truth_above), (1 - score_above) * truth_above
    nodes = (1 - score_only - truth_only) + score_only * x + truth_only / x
    weights = np.multiply.outer(np.multiply.outer(v_weight / 2, w_weight / 2), x_weight)
    return nodes.reshape(-1, 9), weights.ravel()


def _integrate(
    counts: IntArray, nodes: ComplexArray, weights: FloatArray, n: int, without: bool
) -> FloatArray:
    others = counts.sum(1)
    # Scaled by the number of others to the power of the degree, so that nothing overflows.
    shares = (counts / others[:, None]).astype(np.complex128)
    coefficients = _elementary_symmetric(shares, others, nodes, n - 1)
    if without:
        # Dividing by 1 + z q takes another post of the position q out of the product.
        chance = np.zeros((len(counts), 9))
        for degree in range(n):
            powers = weights[:, None] * (-nodes) ** degree
            step = (coefficients[n - 1 - degree] @ powers).real
            chance += step / others[:, None].astype(np.float64) ** degree
        sets = _scaled_binomial(others - 1, n - 1, others)
        chance = np.where(counts > 0, chance, 0.0)
    else:
        chance = (coefficients[n - 1] @ weights).real[:, None]
        sets = _scaled_binomial(others, n - 1, others)
    return np.clip(chance / sets[:, None], 0.0, 1.0)


def _elementary_symmetric(
    shares: ComplexArray, others: IntArray, nodes: ComplexArray, degree: int
) -> list[ComplexArray]:
    """Coefficients of z^0 to z^degree of the product over others, (M, Q) each, by Newton's identities."""
    scale = 1 / others[:, None].astype(np.float64)
    power_sums = [shares @ (nodes**k).T * scale ** (k - 1) for k in range(1, degree + 1)]
    coefficients = [np.ones((len(shares), len(nodes)), np.complex128)]
    for m in range(1, degree + 1):
        total = coefficients[m - 1] * power_sums[0]
        for k in range(2, m + 1):
            total += (-1) ** (k - 1) * coefficients[m - k] * power_sums[k - 1]
        coefficients.append(total / m)
    return coefficients


def _scaled_binomial(items: IntArray, chosen: int, scale: IntArray) -> FloatArray:
    """Binomial coefficient divided by scale to the power of chosen."""
    k = np.arange(chosen)
    factors = (items[:, None] - k) / (scale[:, None] * (k + 1))
    return np.asarray(factors.prod(axis=1), np.float64)
