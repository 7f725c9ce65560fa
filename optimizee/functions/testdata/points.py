"""The points at which the golden values are taken. They are dyadic fractions, the same to the last bit in any language."""


def points(count, dim, half_width):
    """The first `count` points of [-half_width, half_width)^dim; half_width is a small integer or a power of two."""
    state, out = 1, []
    for _ in range(count):
        x = []
        for _ in range(dim):
            state = (1103515245 * state + 12345) % 2**31
            x.append((2.0 * state / 2**31 - 1) * half_width)
        out.append(x)
    return out
