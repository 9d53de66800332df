r"""The pretraining losses, of values v (B, S) and a batch of tasks: all expectations over states and next states are taken exactly.

For arrays of NumPy and for tensors of torch alike, except that the TD loss, which stops a gradient, is for tensors.
"""

from __future__ import annotations

from icrl.pretrain.batches import Array, TaskBatch


def bellman_error(v: Array, following: Array, batch: TaskBatch) -> Array:
    r""":math:`\delta(s) = r(s) + \gamma (P v')(s) - v(s)`, (B, S), ``following`` being v': the expected TD error at every state."""
    return batch.reward + batch.discount * (batch.transition @ following[..., None])[..., 0] - v


def expected_update(v: Array, batch: TaskBatch) -> Array:
    r""":math:`\sum_s \mu(s) \delta(s) x(s)`, (B, d): what linear TD would add to its weights on average."""
    return ((batch.stationary * bellman_error(v, v, batch))[..., None, :] @ batch.features)[..., 0, :]


def neu(v: Array, batch: TaskBatch) -> Array:
    r"""The norm of the expected update, (B,): NEU(v) = ‖Σ_s μ(s) δ(s) x(s)‖."""
    return (expected_update(v, batch) ** 2).sum(-1) ** 0.5


def neu_loss(v: Array, batch: TaskBatch) -> Array:
    """The mean of NEU² of v, (B, S), over the batch; its gradient flows through both values."""
    return (expected_update(v, batch) ** 2).sum(-1).mean()


def td_loss(v: Array, batch: TaskBatch) -> Array:
    r"""The mean over the batch, v (B, S), of :math:`\sum_s \mu(s) \delta(s)^2`; the gradient stops at the value of the next state (semi-gradient TD)."""
    return (batch.stationary * bellman_error(v, v.detach(), batch) ** 2).sum(-1).mean()


LOSSES = {"td": td_loss, "neu": neu_loss}
"""The losses by name: functions of the predictions, (B, S), and the batch."""
