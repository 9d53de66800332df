r"""The Transformer that is trained: its parameters as tensors, and the value of every state after its layers.

The forward pass is that of :mod:`icrl.transformer`, on prompts that end in one query column for every state. Where attention can
read the features alone, the state form (:mod:`icrl.state_form`) gives the same values at a hundredth of the cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat

import numpy as np
import torch
from torch import Tensor

from icrl import state_form
from icrl.algebra import identity, place
from icrl.mrp import integer
from icrl.pretrain.batches import TaskBatch
from icrl.pretrain.protocols import Protocol
from icrl.prompt import FEATURES, REWARD, TARGET, VALUE, prompt, row_sizes, rows
from icrl.transformer import Parameters, softmax_td_parameters, transformer

Learned = dict[str, Tensor]
"""``V`` and ``A``, first axis the layers: (1 or depth, 3) and (…, d, d) where masked; (…, d+3, d+3) both where full."""


def initial(protocol: Protocol, rng: np.random.Generator) -> Learned:
    """The parameters before training: where they start, and ``init`` times standard normal numbers; A is 0 where attention is held uniform."""
    noise, d = [rng.standard_normal(shape) for shape in shapes(protocol).values()], protocol.d
    start = construction(d)
    if protocol.trained == "full":
        start = {"V": whole_V(start["V"][0], d), "A": whole_A(start["A"][0], d)}
    learned = {
        name: (protocol.start == "construction") * X + protocol.init * torch.from_numpy(Y)
        for (name, X), Y in zip(start.items(), noise)
    }
    return learned | {"A": 0 * learned["A"]} if protocol.control == "uniform-attention" else learned


def shapes(protocol: Protocol) -> dict[str, tuple[int, ...]]:
    """The shapes of V and of A."""
    layers, d, D = protocol.depth if protocol.layers == "untied" else 1, protocol.d, protocol.d + 3
    return (
        {"V": (layers, D, D), "A": (layers, D, D)}
        if protocol.trained == "full"
        else {"V": (layers, 3), "A": (layers, d, d)}
    )


def construction(d: int, alpha: float = 1.0, sharpness: float = 1.0) -> Learned:
    """The masked parameters of softmax TD: V's entries α(1, 1, −1), A's block ``sharpness`` times the identity."""
    return {
        "V": alpha * torch.tensor([[1.0, 1.0, -1.0]], dtype=torch.float64),
        "A": sharpness * torch.eye(d, dtype=torch.float64)[None],
    }


def tensors(batch: TaskBatch, device: torch.device | str = "cpu") -> TaskBatch:
    """The batch with tensors in the place of its arrays."""
    return TaskBatch._make(torch.from_numpy(X).to(device) if isinstance(X, np.ndarray) else X for X in batch)


def is_masked(learned: Learned) -> bool:
    """Whether only V's three entries and A's feature block were trained."""
    return learned["V"].ndim == 2


def values(learned: Learned, batch: TaskBatch, depth: int) -> Tensor:
    """v_L(s) at every state of every task after L = ``depth`` layers, (B, S): on states where that is exact, else on columns.

    Raises ``ValueError`` where the layers are untied and ``depth`` is more than there are, for a negative ``depth``, and for a
    batch whose features are not of the length that A is for.
    """
    return last(iterates(learned, batch, depth))


def iterates(learned: Learned, batch: TaskBatch, depth: int) -> Iterator[Tensor]:
    """The same, each (B, S), after 0, 1, …, ``depth`` layers."""
    integer("depth", depth, 0)
    d = learned["A"].shape[-1] - (0 if is_masked(learned) else 3)
    if batch.features.shape[-1] != d:
        raise ValueError(f"batch must have features of length {d}, as A was trained on, got {batch.features.shape[-1]}")
    return (state_values if is_masked(learned) else token_values)(learned, batch, depth)


def last(layers: Iterable[Tensor]) -> Tensor:
    """The last of the iterates, each (B, S)."""
    for v in layers:
        pass
    return v


def state_values(learned: Learned, batch: TaskBatch, depth: int) -> Iterator[Tensor]:
    """v_0, v_1, …, each (B, S), by the state form; for masked parameters."""
    weights = [state_form.Weights._make((*w.unbind(), A)) for w, A in zip(learned["V"], learned["A"])]
    given = state_form.model(batch.moves, batch.paid, batch.ended)
    return (v[..., 0, :] for v in state_form.values(batch.features, given, along(weights, depth), batch.discount))


def token_values(learned: Learned, batch: TaskBatch, depth: int, queries: Tensor | None = None) -> Iterator[Tensor]:
    """v_0, v_1, …, each (B, S), by the Transformer on prompts, read off one query column for every state.

    ``queries``: (B, S, d), the features in the query columns, those of the states unless given.
    """
    Z = queried_prompt(batch, batch.features if queries is None else queries)
    n, (S, d) = batch.rewards.shape[-1], batch.features.shape[-2:]
    pieces = queried(softmax_td_parameters(d, n + S, batch.discount, 1.0, Z[0]), n, S, Z[0])
    if batch.terminal is not None:
        pieces = ending(pieces, batch.terminal.gather(1, batch.states), Z)
    layers = [pieces.with_head(V=whole_V(V, d), A=whole_A(A, d)) for V, A in zip(learned["V"], learned["A"])]
    return (rows(Y).value[:, 0, -S:] for Y in transformer(Z, along(layers, depth)))


def along(layers: Sequence, depth: int) -> Iterator:
    """The layers one after the other: one repeated, or as many as asked of those there are."""
    if len(layers) == 1:
        return repeat(layers[0], depth)
    if depth > len(layers):
        raise ValueError(f"depth must be at most {len(layers)}, the number of untied layers, got {depth}")
    return islice(layers, depth)


def queried_prompt(batch: TaskBatch, queries: Tensor) -> Tensor:
    """(B, d+3, n+1+S): the columns of S_0 … S_n, then a query column for every row of ``queries`` (B, S, d); v_0 = 0."""
    B, S, _ = batch.features.shape
    each = torch.arange(B, device=batch.states.device)[:, None]
    along_context = batch.features[each, batch.states]
    columns = torch.cat([along_context, queries], dim=1).swapaxes(-1, -2)
    rewards = torch.cat([batch.rewards, batch.rewards.new_zeros(B, S)], dim=1)[:, None]
    return prompt(columns, rewards, rewards.new_zeros(B, 1, rewards.shape[-1] + 1), batch.discount)


def queried(p: Parameters, n: int, queries: int, like: Tensor) -> Parameters:
    """The pieces for a prompt (d+3, n+1+queries) with further query columns: n keys, and the shift on the first n + 1 columns only."""
    visible = np.arange(n + 1 + queries)[:, None] < n
    shift = place({(1, 0): identity(n, like)}, (1, n, queries), (n, 1, queries), like)
    return p.with_head(visible=visible).with_memory(shift=shift)


def ending(p: Parameters, ends: Tensor, like: Tensor) -> Parameters:
    """The pieces with the endings of each context: ``ends``, (B, n+1), says which of its columns hold a terminal state.

    No transition leaves such a column, so its key is hidden, and Π has a gap there and in the column before.
    """
    last = torch.nn.functional.pad(ends, (0, like.shape[-1] - ends.shape[-1]))
    gaps = last | last.roll(-1, dims=1)
    visible = torch.as_tensor(p.head.visible, device=like.device) & ~last[..., None]
    return p.with_head(visible=visible).with_memory(shift=p.target_memory.shift * ~gaps[:, None, :])


def whole_V(V: Tensor, d: int) -> Tensor:
    """V as a (d+3)×(d+3) matrix, from its three entries if it is masked."""
    if V.ndim == 2:  # a layer's own
        return V
    return place(
        {(VALUE, band): w.reshape(1, 1) for band, w in zip((REWARD, TARGET, VALUE), V)},
        row_sizes(d),
        row_sizes(d),
        V[None],
    )


def whole_A(A: Tensor, d: int) -> Tensor:
    """A as a (d+3)×(d+3) matrix, from its block on the features if it is masked."""
    return A if len(A) == d + 3 else place({(FEATURES, FEATURES): A}, row_sizes(d), row_sizes(d), A)
