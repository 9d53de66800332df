"""The construction as one value, so that a mutant is another value and not a patch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from icrl.algebra import Matrix, place, softmax
from icrl.prompt import prompt, row_sizes
from icrl.transformer import Layer, Parameters, layer, softmax_td_parameters, transformer


class Site(NamedTuple):
    """Where an edit of the parameters takes place: the sizes, the scalars of this layer, and a matrix of the right kind."""

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
    """Prompt, normaliser, parameters and layer. The defaults are the construction; ``edit`` changes the parameters."""

    prompt: Callable[..., Matrix] = prompt
    softmax: Callable[..., Matrix] = softmax
    edit: Callable[[Parameters, Site], Parameters] = lambda parameters, site: parameters
    step: Layer = layer

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
    ) -> Iterator[Matrix]:
        """The prompt after 0, 1, …, len(alphas) layers."""
        Z = self.prompt(features, rewards, value, gamma)
        d, n = features.shape[-2], rewards.shape[-1]
        return transformer(Z, (self.parameters(Z, d, n, gamma, alpha, A, exp) for alpha in alphas), self.step)
