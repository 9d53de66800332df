"""Tensors of floats, any batch axes, with their gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from icrl.algebra.dense import Dense, common_batch


class Tensors(Dense):
    """The operations on tensors: each method is the function of its name in :mod:`icrl.algebra`."""

    def is_finite(self, X: Tensor) -> bool:
        """Whether there is no NaN and no infinity in X; True where its values cannot be read."""
        try:
            return bool(X.isfinite().all())
        except RuntimeError:  # inside torch.vmap a tensor's values cannot be read
            return True

    def zeros(self, rows: int, columns: int, like: Tensor, batch: tuple[int, ...] = ()) -> Tensor:
        return like.new_zeros((*batch, rows, columns))

    def identity(self, size: int, like: Tensor) -> Tensor:
        return torch.eye(size, dtype=like.dtype, device=like.device)

    def scalar(self, c: Any, like: Tensor) -> Tensor:
        return torch.as_tensor(c, dtype=like.dtype, device=like.device)[..., None, None]

    def stack(self, parts: Sequence[Tensor]) -> Tensor:
        batch = common_batch(parts)
        return torch.cat([part.expand(*batch, *part.shape[-2:]) for part in parts], dim=-2)

    def softmax(self, scores: Tensor, visible: Any, exp: None = None) -> Tensor:
        """torch's own softmax, of the scores plus log c; a column with no visible key goes through it as if all were visible."""
        copies = torch.as_tensor(visible, device=scores.device).to(scores.dtype)
        shown = copies > 0
        some = shown.any(dim=-2, keepdim=True)
        counted = scores + torch.where(shown, copies, 1.0).log()
        return torch.softmax(counted.masked_fill(~shown & some, -math.inf), dim=-2) * some

    def linear(self, scores: Tensor, visible: Any) -> Tensor:
        return torch.where(torch.asarray(visible, device=scores.device), scores, 0.0)


operations = Tensors()
"""What :func:`icrl.algebra.kinds.operations_on` finds here."""
