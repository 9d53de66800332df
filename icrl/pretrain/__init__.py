"""Pretraining: does a Transformer that is trained to predict values on random tasks come to perform softmax TD?

The modules, each of which uses those before it: :mod:`~icrl.pretrain.batches` draws batches of random tasks and their contexts,
:mod:`~icrl.pretrain.losses` has the TD loss, NEU and regression, :mod:`~icrl.pretrain.protocols` says what is trained, on what and how,
:mod:`~icrl.pretrain.readings` what a layer's weights mean, :mod:`~icrl.pretrain.network` runs the construction of
:mod:`icrl.transformer` on tensors, :mod:`~icrl.pretrain.metrics` measures how near softmax TD the parameters have come,
:mod:`~icrl.pretrain.train` trains, :mod:`~icrl.pretrain.results` evaluates and keeps records, and
:mod:`~icrl.pretrain.command` is ``python -m icrl pretrain``. From ``network`` on they need torch.

A protocol of your own, trained for one seed, which takes seconds::

    from icrl.pretrain.metrics import pattern
    from icrl.pretrain.protocols import Protocol
    from icrl.pretrain.results import held_out, predicted, summary
    from icrl.pretrain.train import train

    protocol = Protocol(family="dense", features="unit", d=3, depth=4, steps=1000, batch=16)
    run = train(protocol, seed=0)                       # checkpoint="run.pt" can be interrupted, and goes on from there
    print(run.learned["V"], run.learned["A"])           # V's three entries, A's block on the features
    print(pattern(run.learned))                         # how near they are to the pattern of softmax TD
    tasks = held_out(protocol, n=300)                   # tasks never trained on, with longer contexts
    print(summary(predicted(run.learned, tasks, depth=4), tasks))

Expect cosines of 0.99 (V) and 0.999 (A), and a median error of 0.36; predicting 0 everywhere has the error 1. Fields that are left
out are those of the book's first protocol, "boyan"; :class:`~icrl.pretrain.protocols.Protocol` explains all.

The same parameters on a process of your own, any :class:`~icrl.mrp.MarkovRewardProcess` with features of length d, here a Gymnasium
environment under its uniform policy::

    import numpy as np
    from icrl.pretrain.network import tensors
    from icrl.pretrain.batches import tasks_of
    from icrl.tasks import from_gymnasium, random_unit

    lake, rng = from_gymnasium("FrozenLake-v1", discount=0.9), np.random.default_rng(0)
    mine = tensors(tasks_of([lake] * 50, [random_unit(lake.n_states, 3, rng) for _ in range(50)], 300, rng))
    print(summary(predicted(run.learned, mine, depth=4), mine))         # over 50 contexts, each with features of its own

Expect 0.9, little better than 0 everywhere: rewards are rare on the lake, three features tell sixteen states apart badly, and four
layers reach four steps ahead. A family of your own is a function of a generator, how many, and the number of
states, put into a table; features likewise into ``FEATURES``::

    from icrl.pretrain.batches import FAMILIES

    def lazy(rng, size, n_states):                      # transition matrices, (size, n_states, n_states), ergodic
        return (np.eye(n_states) + FAMILIES["dense"](rng, size, n_states)) / 2

    FAMILIES["lazy"] = lazy
    run = train(Protocol(family="lazy", features="unit", d=3, steps=1000), seed=0)
"""
