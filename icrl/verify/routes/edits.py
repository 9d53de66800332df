"""The construction as one value, so that a mutant is another value and not a patch; and the edits that several claims make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from icrl.algebra import Matrix, all_visible, kind, place, scalar, softmax, true_exp
from icrl.arrays import np
from icrl.mrp import Endings
from icrl.prompt import REWARD, TARGET, VALUE, prompt, row_sizes
from icrl.transformer import Parameters, softmax_td_parameters, transformer
from icrl.verify.instances.cases import Case, as_matrices, td_prompts
from icrl.verify.judging.prompts import first_difference
from icrl.verify.model import Counterexample


class Site(NamedTuple):
    """Where an edit of the parameters takes place: the sizes, the scalars of this layer, and a matrix of the right kind.

    ``n``: the number of transitions; of several trajectories their endings, or a pair of symbols (:mod:`icrl.algebra`).
    """

    d: Any
    n: Any
    gamma: Any
    alpha: Any
    like: Matrix

    def on_rows(self, parts: dict) -> Matrix:
        """A (d+3)×(d+3) matrix with the given blocks between bands of the prompt."""
        return place(parts, row_sizes(self.d), row_sizes(self.d), self.like)


@dataclass(frozen=True)
class Machine:
    """Prompt, normaliser and parameters. The defaults are the construction; ``edit`` changes the parameters."""

    prompt: Callable[..., Matrix] = prompt
    softmax: Callable[..., Matrix] = softmax
    edit: Callable[[Parameters, Site], Parameters] = lambda parameters, site: parameters

    def parameters(
        self, Z: Matrix, d: Any, n: Any, gamma: Any, alpha: Any, A: Matrix | None, exp: Callable | None = None
    ) -> Parameters:
        """The parameters of one layer, of the kind of Z."""
        plain = softmax_td_parameters(d, n, gamma, alpha, Z, A, partial(self.softmax, exp=exp))
        return self.edit(plain, Site(d, n, gamma, alpha, Z))

    def run(
        self,
        features: Matrix,
        rewards: Matrix,
        value: Matrix,
        gamma: Any,
        alphas: list,
        A: Matrix | None,
        exp: Callable | None = None,
        endings: Endings | None = None,
    ) -> Iterator[Matrix]:
        """The prompt after 0, 1, …, len(alphas) layers."""
        Z = self.prompt(features, rewards, value, gamma, endings)
        d, n = features.shape[-2], rewards.shape[-1] if endings is None else endings
        return transformer(Z, (self.parameters(Z, d, n, gamma, alpha, A, exp) for alpha in alphas))


def compare_case(machine: Machine, case: Case, name: str, differ: Callable[[Any, Any], bool]) -> Counterexample | None:
    """The first entry in which the machine's prompts, from layer 0 on, are not those of the TD loop."""
    return first_difference(name, machine.run(*as_matrices(case)), td_prompts(case), differ)


def unmasked(p: Parameters, site: Site) -> Parameters:
    """The construction's parameters with every key visible."""
    return p.with_head(visible=all_visible(site.n, site.like))


# Edits that several claims make: each another value in the place of one piece


def value_weights(reward: int = 1, target: int = 1, value: int = -1, dropped: int | None = None):
    """V's last row with these signs, and 1 in the place of α in band ``dropped``."""

    def edit(p: Parameters, site: Site) -> Parameters:
        step = {band: scalar(1 if band == dropped else site.alpha, site.like) for band in (REWARD, TARGET, VALUE)}
        signs = {REWARD: reward, TARGET: target, VALUE: value}
        blocks = {(VALUE, band): step[band] if sign > 0 else -step[band] for band, sign in signs.items()}
        return p.with_head(V=site.on_rows(blocks))

    return edit


def mask_first(p: Parameters, site: Site) -> Parameters:
    """Key 0 hidden instead of the query's key; blocks cannot single out a key."""
    return p if kind(site.like) == "blocks" else p.with_head(visible=np.arange(site.n + 1)[:, None] > 0)


def target_not_cleared(p: Parameters, site: Site) -> Parameters:
    """The identity in the place of U."""
    return p.with_memory(U=p.target_memory.U + site.on_rows({(TARGET, TARGET): scalar(1, site.like)}))


def no_normaliser(scores, visible, exp=None):
    """The exponentials as they are, hidden keys 0."""
    match kind(scores):
        case "blocks":
            return softmax(scores, visible)
        case "entries":
            powers = np.vectorize(exp or true_exp, otypes=[object])(scores)
            return np.where(visible, powers, 0 * powers)
        case "tensor":
            return scores.exp() * scores.new_tensor(visible)
        case _:
            with np.errstate(over="ignore"):
                return np.exp(scores) * visible
