from l2l_optimizee import serve


def evaluate(params, seed, instance):
    if params["rule"] == "bcm":
        raise ValueError("bcm wants a threshold")
    return abs(params["tau"] - 10)


serve(evaluate)
