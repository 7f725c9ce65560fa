"""The tree-structured Parzen estimator of Optuna. Without generations: what is under way counts as bad, so that nothing is tried twice."""

import optuna
from l2l_optimizer import serve


def distribution(c):
    if c.kind == "categorical":
        return optuna.distributions.CategoricalDistribution(range(int(c.upper) + 1))
    if c.kind == "int":
        return optuna.distributions.IntDistribution(int(c.lower), int(c.upper))
    return optuna.distributions.FloatDistribution(c.lower, c.upper)


class Search:
    def __init__(self, setup):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=setup.seed % 2**32, constant_liar=True)
        self.study = optuna.create_study(sampler=sampler, directions=["minimize"] * setup.objectives)
        self.space = {c.name: distribution(c) for c in setup.coordinates}
        self.trials = {}  # that are under way

    def ask(self, ids):
        return [self.begin(i) for i in ids]

    def begin(self, i):
        self.trials[i] = self.study.ask(self.space)
        return [self.trials[i].params[name] for name in self.space]

    def tell(self, ids, losses, failed):
        for i, loss, bad in zip(ids, losses, failed):
            if bad:
                self.study.tell(self.trials.pop(i), state=optuna.trial.TrialState.FAIL)
            else:
                self.study.tell(self.trials.pop(i), loss)

    def recall(self, ids, points):
        for i, point in zip(ids, points):
            self.study.enqueue_trial(dict(zip(self.space, point)))
            self.begin(i)  # is the one that was put into the queue


if __name__ == "__main__":
    serve(Search)
