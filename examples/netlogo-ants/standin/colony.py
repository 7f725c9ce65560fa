"""The colony of ants.nlogo, transcribed to Python statement by statement: for the stand-in of NetLogo's command line, and for the picture.

The patches, the ants and what they do are those of the model; without random numbers, all of 160 colonies did the same in NetLogo 6.4.0. The random numbers are Python's, not NetLogo's, so that a run of the one is
not a run of the other with the same seed, but one from the same distribution.
"""

import math
import random
from operator import add

EDGE = 16  # patches are from -16 to 16 in x and y, around them is a wall
WIDTH = 2 * EDGE + 3  # of a row of patches, the wall included; patches are numbered row by row
SENSORS = 13
MIRRORED = [2, 1, 0, 5, 4, 3, 8, 7, 6, 10, 9, 11, 12]  # sensors with left and right exchanged
STEPS = [WIDTH, WIDTH + 1, 1, 1 - WIDTH, -WIDTH, -WIDTH - 1, -1, WIDTH - 1]  # to the next patch, by heading: north, north-east, ...


def patch(x, y):
    return (y + EDGE + 1) * WIDTH + x + EDGE + 1


PATCHES = [(x, y) for y in range(-EDGE, EDGE + 1) for x in range(-EDGE, EDGE + 1)]
WALL = [True] * WIDTH**2
NEST = [False] * WIDTH**2
REMAINS = [0.0] * WIDTH**2  # the part of the pheromone that does not evaporate every 7 ticks; on the wall there is none
MISSING = [0] * WIDTH**2  # neighbours, of eight, that a patch does not have
HOME = [None] * WIDTH**2  # the sensor that the nest excites, by patch and heading
for x, y in PATCHES:
    p = patch(x, y)
    WALL[p] = False
    NEST[p] = math.hypot(x, y) <= 2
    REMAINS[p] = 0.99
    MISSING[p] = 9 - (2 + (abs(x) < EDGE)) * (2 + (abs(y) < EDGE))
    towards = math.degrees(math.atan2(-x, -y))
    sides = [round((towards - 45 * h + 180) % 360 / 45) - 4 for h in range(8)]  # in turns of 45 degrees, from -4 to 4
    HOME[p] = [1 << (7 if side == 0 else 6 if -4 < side < 0 else 8) for side in sides]


def heaps(instance):
    """The centres of the four heaps of food of a world."""
    for n in range(4 * instance, 4 * instance + 4):
        angle, distance = math.radians(137.508 * n % 360), 6 + 4 * (0.7549 * n % 1)
        yield distance * math.sin(angle), distance * math.cos(angle)


def spread(values):
    """Pheromone after 15 % of it have gone to the eight neighbours in equal parts, where there are any, and 1 % of the whole has evaporated.

    A sum of rounded numbers depends on their order. That of the neighbours adds opposite ones first: so it is the same in a world that is turned
    or mirrored, as NetLogo's is. Otherwise an ant that has the same on its left and on its right would prefer a side.
    """
    first = WIDTH + 1  # patch of which all eight neighbours have numbers
    straight = map(add, map(add, values[1:], values[2 * WIDTH + 1 :]), map(add, values[WIDTH:], values[WIDTH + 2 :]))
    diagonal = map(add, map(add, values, values[2 * WIDTH + 2 :]), map(add, values[2:], values[2 * WIDTH :]))
    around = map(add, straight, diagonal)
    rest = zip(REMAINS[first:], values[first:], around, MISSING[first:])
    return [0.0] * first + [r * (v + 0.15 * ((n + m * v) / 8 - v)) for r, v, n, m in rest] + [0.0] * first


class Colony:
    def __init__(self, move, turn, lay, seed, instance, population=15):
        self.weights = move, turn, lay
        self.actions = {}  # by sensors, as the perceptron is asked the same again and again
        self.random = random.Random(seed).random
        self.pheromone = [0.0] * WIDTH**2
        self.food = [0] * WIDTH**2
        for hx, hy in heaps(instance):
            for x, y in PATCHES:
                if math.hypot(x - hx, y - hy) <= 2:
                    self.food[patch(x, y)] = 10
        self.ants = [[patch(0, 0), int(8 * self.random()), False] for _ in range(population)]  # where, heading, whether it carries food
        self.ticks = self.food_home = 0
        self.fitness = 0.0

    def action(self, sensors):
        """What an ant does that senses this, a number with a bit for each sensor: whether it moves, turns left, turns right, lays pheromone."""
        move, turn, lay = self.weights
        on = [i for i in range(SENSORS) if sensors >> i & 1]
        mirrored = [MIRRORED[i] for i in on]
        return tuple(sum([w[i] for i in inputs]) > 0 for w, inputs in ((move, on), (turn, on), (turn, mirrored), (lay, on)))

    def go(self):
        pheromone, food, actions, random, earned = self.pheromone, self.food, self.actions, self.random, 0.0
        for ant in self.ants:
            p, heading, carries = ant
            left, ahead, right = p + STEPS[heading - 1], p + STEPS[heading], p + STEPS[(heading + 1) & 7]
            sensors = 1 << 12  # the last one is always on
            l, a, r = pheromone[left], pheromone[ahead], pheromone[right]
            if a >= l and a >= r:
                if a > 0.05:
                    sensors |= 1 << 1
            elif l >= r:
                if l > 0.05:
                    sensors |= 1 << 0
            elif r > 0.05:
                sensors |= 1 << 2
            if carries:
                sensors |= HOME[p][heading]
            else:
                sensors |= (food[left] > 0) << 3 | (food[ahead] > 0) << 4 | (food[right] > 0) << 5
            if random() < 0.2:
                sensors |= 1 << 9
            if random() < 0.2:
                sensors |= 1 << 10
            if WALL[ahead]:
                sensors |= 1 << 11
            if sensors not in actions:
                actions[sensors] = self.action(sensors)
            moves, turns_left, turns_right, lays = actions[sensors]
            if turns_left:
                heading -= 1
                earned -= 0.02
            if turns_right:
                heading += 1
                earned -= 0.02
            heading &= 7
            if lays:
                pheromone[p] += 1
                earned -= 0.05
            if moves:
                earned -= 0.25
                if WALL[p + STEPS[heading]]:
                    earned -= 5.5
                else:
                    p += STEPS[heading]
            elif not (turns_left or turns_right):
                earned -= 0.5
            if carries:
                if NEST[p]:
                    heading, carries = heading ^ 4, False
                    self.food_home += 1
                    earned += 220
            elif food[p] > 0:
                food[p] -= 1
                heading, carries = heading ^ 4, True
                earned += 1.5
            ant[:] = p, heading, carries
        self.fitness += earned
        self.ticks += 1
        if self.ticks % 7 == 0:
            self.pheromone = spread(pheromone)
