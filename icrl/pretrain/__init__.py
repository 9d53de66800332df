"""Pretraining: does a Transformer that is trained to predict values on random tasks come to perform softmax TD?

The modules, each of which uses those before it: :mod:`~icrl.pretrain.tasks` draws batches of random tasks and their contexts,
:mod:`~icrl.pretrain.losses` has the TD loss and NEU, :mod:`~icrl.pretrain.protocols` says what is trained, on what and how,
:mod:`~icrl.pretrain.network` runs the construction of :mod:`icrl.transformer` on tensors, :mod:`~icrl.pretrain.metrics` measures
how near softmax TD the parameters have come, :mod:`~icrl.pretrain.train` trains, :mod:`~icrl.pretrain.results` evaluates and keeps
records, and :mod:`~icrl.pretrain.command` is ``python -m icrl pretrain``. From ``network`` on they need torch.

A protocol of your own, trained for one seed::

    from icrl.pretrain.metrics import pattern
    from icrl.pretrain.protocols import Protocol
    from icrl.pretrain.results import held_out, predicted, summary
    from icrl.pretrain.train import train

    protocol = Protocol(family="dense", features="unit", d=3, depth=4, steps=200, batch=16)
    run = train(protocol, seed=0)                       # checkpoint="run.pt" can be interrupted, and goes on from there
    print(run.learned["V"], run.learned["A"])           # V's three entries, A's block on the features
    print(pattern(run.learned))                         # how near they are to the pattern of softmax TD
    tasks = held_out(protocol, n=300)                   # tasks never trained on, with longer contexts
    print(summary(predicted(run.learned, tasks, depth=4), tasks))

Fields that are left out are those of the book's first protocol, "boyan"; :class:`~icrl.pretrain.protocols.Protocol` explains all.
"""
