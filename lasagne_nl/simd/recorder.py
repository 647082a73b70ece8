"""What a kernel is written in: numbers that remember how they were made.

A kernel of `lasagne_nl.simd.kernels` is called with such numbers, and what it returns leads to all
of its operations, without a branch. `lasagne_nl.simd.in_c` writes them down.
"""

import itertools

FLOATS = {"float32": "uint32", "float64": "uint64"}  # and their bits
OF_ROWS = "totals", "increasing"  # numbers made of all elements of rows
_count = itertools.count()


class Value:
    """A number of a kind, a dtype, that an operation makes of its operands."""

    def __init__(self, kind, operation, *operands):
        self.kind = kind
        self.operation = operation
        self.operands = operands
        # Whether it is another one for each element of a row.
        self.varies = operation == "row" or (
            operation not in OF_ROWS and any(getattr(one, "varies", False) for one in operands)
        )
        self._number = next(_count)

    def of(self, number):
        """A number of Python as one of this kind."""
        return number if isinstance(number, Value) else Value(self.kind, "constant", number)

    def __neg__(self):
        return Value(self.kind, "neg", self)


def _method(operation, kind=None, swapped=False):
    def method(self, other):
        operands = (self.of(other), self) if swapped else (self, self.of(other))
        return Value(kind or self.kind, operation, *operands)

    return method


for _name, _operation in [
    ("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"),
    ("and", "&"), ("or", "|"), ("xor", "^"), ("lshift", "<<"), ("rshift", ">>"),
]:  # fmt: skip
    setattr(Value, "__{}__".format(_name), _method(_operation))
    setattr(Value, "__r{}__".format(_name), _method(_operation, swapped=True))
for _name, _operation in [("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")]:
    setattr(Value, "__{}__".format(_name), _method(_operation, "bool"))
equal = _method("==", "bool")


def _of_one_kind(*numbers):
    like = next(one for one in numbers if isinstance(one, Value))
    return like.kind, [like.of(one) for one in numbers]


def _ternary(operation):
    def record(a, b, c):
        kind, operands = _of_one_kind(a, b, c)
        return Value(kind, operation, *operands)

    return record


# fma(a, b, c) is a b + c and rest(a, b, c) is c - a b, rounded once; mad(a, b, c) is a b + c, where
# the processor can, rounded once.
fma, rest, mad = _ternary("fma"), _ternary("rest"), _ternary("mad")


def _rest_of_others(a, b, c):
    if a.kind == "float32":
        a, b, c = (convert(one, "float64") for one in (a, b, c))
        return convert(c - a * b, "float32")
    # Dekker's product, of halves of 26 bits, which overflow only where it has no rest that counts.
    product = a * b
    a1, b1 = (number((bits(x) + 2**26) >> 27 << 27) for x in (a, b))
    a2, b2 = a - a1, b - b1
    low = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
    return (c - product) - select(equal(low, low), low, 0.0)


# How a processor that does not multiply and add in one computes them.
WITHOUT_FMA = {
    "mad": lambda a, b, c: a * b + c,
    "rest": _rest_of_others,
    "fma": lambda a, b, c: _rest_of_others(-a, b, c),
}


def select(condition, a, b):
    """One number where the condition is true, the other where not; both are computed."""
    kind, operands = _of_one_kind(a, b)
    return Value(kind, "select", condition, *operands)


def sqrt(x):
    """The square root of a float, rounded once."""
    return Value(x.kind, "sqrt", x)


def bits(x):
    """The bits of a float, as an unsigned integer."""
    return Value(FLOATS[x.kind], "bits", x)


def number(integer):
    """The float that has these bits."""
    return Value("float" + integer.kind[len("uint") :], "number", integer)


def signed_min(a, b):
    """The smaller one of two integers, taken for signed ones."""
    return Value(a.kind, "signed_min", a, a.of(b))


def convert(x, kind):
    """A float as one of another kind."""
    return x if x.kind == kind else Value(kind, "convert", x)


def log_of_double(x):
    """The log of a float64, from the C library"""
    return Value("float64", "log", x)


# What a program of rows is made of besides. There "row" is the element of a row that has a name.


def totals(*rows, largest_of=None, is_kept=False):
    """In one pass the sum of each row in float64, and the largest element of one more, where NaN is
    passed over; the first row may be kept where the result is to be.
    """
    whole = Value("float64", "totals", largest_of, is_kept, *rows)
    kinds = ["float64"] * len(rows) + ([] if largest_of is None else [largest_of.kind])
    return [Value(kind, "part", whole, k) for k, kind in enumerate(kinds)]


def largest(x):
    """The largest element of a row"""
    return totals(largest_of=x)[0]


def kept_sum(x, **options):
    """A row, kept, and its totals"""
    found = totals(x, is_kept=True, **options)
    return [Value(x.kind, "row", "result", found[0]), *found]


def increasing(start, step):
    """What a step makes of a float64, and again of that, until it is no more than before"""
    before = Value("float64", "argument")
    return Value("float64", "increasing", start, (before, step(before)))


def in_order(*results, known=()):
    """All values that results need besides those known, in the order in which they were made."""
    needed, todo = set(), list(results)
    while todo:
        value = todo.pop()
        if isinstance(value, Value) and value not in needed and value not in known:
            needed.add(value)
            todo += value.operands
    return sorted(needed, key=lambda value: value._number)
