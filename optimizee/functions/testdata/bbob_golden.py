"""Golden values of the 24 BBOB functions, from the COCO platform's Python package: coco-experiment 2.8.2 (module cocoex).

    pip install coco-experiment==2.8.2 && python bbob_golden.py > bbob.csv

A row: function, dimension, instance, optimal value, then the values at four points of [-5, 5), at two points of
[-8, 8), and at one within 1/64 of the optimum, rounded to 2^-16, in each coordinate.
"""

import math

import cocoex
from points import points

DIMENSIONS = 2, 3, 5, 10, 20, 40


def main():
    print("function,dim,instance,fopt,in1,in2,in3,in4,out1,out2,near")
    for function in range(1, 25):
        for dim in DIMENSIONS:
            for instance in (1, 2, 15) + ((101, 2009) if dim == 5 else ()):
                bare = cocoex.BareProblem("bbob", function=function, dimension=dim, instance=instance)
                near = [math.floor(b * 2**16 + 0.5) / 2**16 + d for b, d in zip(bare.best_parameter(), points(1, dim, 1 / 64)[0])]
                values = [bare(x) for x in points(4, dim, 5) + points(2, dim, 8) + [near]]
                numbers = [bare.best_value()] + values
                print(function, dim, instance, *(f"{float(v):.17g}" for v in numbers), sep=",")


main()
