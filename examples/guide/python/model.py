import math

from l2l_optimizee import serve

MEASURED = {0.4: 18, 0.6: 41, 0.8: 61, 1.2: 88, 2.0: 129, 4.0: 181}  # current in nA: firing rate in Hz


def rate(current, rheobase, tau, refractory):
    """The firing rate of a leaky neuron, in Hz."""
    if current <= rheobase:
        return 0.0
    return 1000 / (refractory + tau * math.log(current / (current - rheobase)))


def evaluate(params, seed, instance):
    errors = [rate(current, **params) - measured for current, measured in MEASURED.items()]
    return {"error": math.sqrt(sum(e * e for e in errors) / len(errors))}


if __name__ == "__main__":
    serve(evaluate)
