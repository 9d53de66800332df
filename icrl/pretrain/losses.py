r"""The pretraining losses, of values v (B, S) and a batch of tasks: all expectations over the batch's states and next states are taken exactly.

For arrays of NumPy and for tensors of torch alike, except that the TD loss, which stops a gradient, the true value and regression on it
are for tensors.
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


def true_value(batch: TaskBatch) -> Array:
    """v^π = (I − γP)⁻¹ r, (B, S), of a batch of tensors."""
    import torch  # protocols, which know the losses by name, are read without it

    eye = torch.eye(batch.transition.shape[-1], dtype=batch.transition.dtype, device=batch.transition.device)
    return torch.linalg.solve(eye - batch.discount * batch.transition, batch.reward)


def regression_loss(v: Array, batch: TaskBatch) -> Array:
    r"""The mean over the batch, v (B, S), of :math:`\sum_s \mu(s) (v - v^\pi)(s)^2`: the right answers are given, and nothing is bootstrapped."""
    return (batch.stationary * (v - true_value(batch)) ** 2).sum(-1).mean()


LOSSES = {"td": td_loss, "td-sampled": td_loss, "neu": neu_loss, "regression": regression_loss}
"""The losses by name: functions of the predictions, (B, S), and the batch. In training "td-sampled" is the TD loss of batches of which
one transition a task is left (:func:`icrl.pretrain.batches.one_transition`)."""
