"""Elementwise operations whose loop the C compiler vectorises, for arrays of any layout."""

import functools
import re
import subprocess

from lasagne_nl.backend import library
from lasagne_nl.simd import in_c
from lasagne_nl.simd.scalar_ops import Kernel, scalar, tools

Elemwise = type(tools.tensor.exp)
MethodNotDefined = tools.module("gof.utils", "graph.utils").MethodNotDefined
GCC_compiler = tools.module("gof.cmodule", "link.c.cmodule").GCC_compiler
config = library.config

# As many as loops.h has room for: inputs and outputs together, and what NumPy has at most.
_MOST_OPERANDS, _MOST_DIMENSIONS = 33, 32
_LOOPS = "#define LNL_OPERANDS {}\n#define LNL_DIMENSIONS {}\n".format(
    _MOST_OPERANDS, _MOST_DIMENSIONS
) + in_c.read("threads.h", "loops.h")
_VERSION = in_c.version(_LOOPS)

# What vectorises.
_CHOICES = "Switch Clip Maximum Minimum ScalarMaximum ScalarMinimum AND OR".split()
_ARITHMETIC = (
    "Add Sub Mul TrueDiv TrueDivide Neg Abs Sqr Inv Reciprocal LT GT LE GE EQ NEQ Identity Second "
    "Sqrt Sgn Sign Floor"
).split()
_DTYPES = {
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float32", "float64",
}  # fmt: skip
# Stands for the code that leaves the loop; an operation that needs it cannot be vectorised.
_FAIL = "lnl_fail_"


class VectorElemwise(Elemwise):
    """`theano.tensor.Elemwise` with another loop: same inputs, outputs and in-place pattern."""

    def __str__(self):
        theirs = super().__str__()  # which has the name of the class in Aesara
        return theirs if theirs.startswith("Vector") else "Vector" + theirs

    def c_support_code(self, **options):
        return _LOOPS + "\n" + _or_nothing(super().c_support_code, **options)

    def c_support_code_apply(self, node, nodename):
        parents = _or_nothing(super().c_support_code_apply, node, nodename)
        return parents + _inner_function(self, node, nodename)

    def c_compile_args(self, **options):
        return list(super().c_compile_args(**options)) + list(compile_args())

    def c_code_cache_version_apply(self, node):
        version = super().c_code_cache_version_apply(node)
        return version + (_VERSION, 3, least_for_threads()) if version else ()

    def _c_all(self, node, nodename, inames, onames, sub):
        declare, check, allocate, _, *rest = super()._c_all(node, nodename, inames, onames, sub)
        return (declare, check, allocate, _loop(node, nodename, inames, onames), *rest)


def is_default_for_threads():
    """Whether nobody has said from how many elements on threads are to share an operation."""
    return config.openmp_elemwise_minsize == 200000


def least_for_threads():
    """From how many elements on threads share an operation: what the flag says, or where it says
    what it does by default, from fewer on, as a vectorised loop gains from 2^15 on.
    """
    return 2**15 if is_default_for_threads() else config.openmp_elemwise_minsize


@functools.lru_cache(maxsize=None)
def compile_args():
    """What the C compiler is to be told, so that it vectorises loops around kernels."""
    # Without them GCC takes a comparison for something that may trap, and a square root for one
    # that sets errno, and vectorises neither.
    args = ["-fno-trapping-math", "-fno-math-errno"]
    # Where there are registers of 512 bits GCC prefers 256, which is slower here; it takes another
    # word from version 8 on. To ask for the version is quicker than to try.
    if "-mavx512f" in GCC_compiler.compile_args():
        command = [config.cxx.strip('"'), "-dumpversion"]
        version = subprocess.run(command, stdout=subprocess.PIPE).stdout.decode()
        if re.match("[89]|[1-9][0-9]", version):
            args.append("-mprefer-vector-width=512")
    return tuple(args)


def _or_nothing(method, *arguments, **options):
    try:
        return method(*arguments, **options)
    except MethodNotDefined:
        return ""


def _operands(node, inames, onames):
    """(C name, variable, whether it is an output) of each array, none of them twice."""
    inputs = list(dict.fromkeys(zip(inames, node.inputs)))
    return [(n, v, False) for n, v in inputs] + [(n, v, True) for n, v in zip(onames, node.outputs)]


def _is_fixed(variable, node):
    """Whether it is one element all along a row."""
    if all(variable.type.broadcastable):
        return True
    return variable.type.broadcastable[-1] and not node.outputs[0].type.broadcastable[-1]


def _inner_function(op, node, nodename):
    """The C function that computes contiguous elements."""
    first = {}
    inames = [first.setdefault(v, "i{}".format(i)) for i, v in enumerate(node.inputs)]
    onames = ["o{}".format(i) for i in range(len(node.outputs))]
    before, load, declare, store = [], [], [], []
    for k, (name, variable, is_output) in enumerate(_operands(node, inames, onames)):
        names = {"k": k, "name": name, "type": variable.type.dtype_specs()[1]}
        if is_output:
            before.append("{type} *{name}_p = ({type} *)operands[{k}];".format(**names))
            declare.append("{type} {name};".format(**names))
            store.append("{name}_p[i] = {name};".format(**names))
        elif _is_fixed(variable, node):
            before.append("const {type} {name} = *({type} *)operands[{k}];".format(**names))
        else:
            before.append("const {type} *{name}_p = ({type} *)operands[{k}];".format(**names))
            load.append("const {type} {name} = {name}_p[i];".format(**names))
    if not hasattr(node.tag, "fake_node"):
        op.prepare_node(node, None, None, "c")
    name, sub = nodename + "_scalar_", {"fail": _FAIL}
    code = op.scalar_op.c_code(node.tag.fake_node, name, inames, onames, sub)
    # Two vectors at a time fill the pauses of one function; many have none, and too few registers.
    kernels = [one for one in _scalar_ops(op.scalar_op) if isinstance(one, Kernel)]
    function = """
    #undef LNL_CALL
    #define LNL_CALL(kernel) lnl_##kernel
    static void __attribute__((noinline)) {function}(npy_intp n, char **operands)
    {{
        {before}
        n &= -(npy_intp)LNL_LANES;
        /* An output may be one of the inputs, but then element by element. */
        #ifdef __clang__
        #pragma clang loop vectorize(assume_safety)
        #else
        #pragma GCC ivdep
        #if __GNUC__ >= 8
        #pragma GCC unroll {at_a_time}
        #endif
        #endif
        for (npy_intp i = 0; i < n; i++) {{
            {load}
            {declare}
            {{ {code} }}
            {store}
        }}
    }}
    #undef LNL_CALL
    #define LNL_CALL(kernel) lnl_outside_##kernel
    """
    return in_c.in_ieee_arithmetic(function).format(
        function=_inner_name(nodename),
        at_a_time=2 if len(kernels) <= 4 else 1,
        before="\n        ".join(before),
        load="\n            ".join(load),
        declare="\n            ".join(declare),
        store="\n            ".join(store),
        code=code,
    )


def _inner_name(nodename):
    return "lnl_inner_" + nodename


def _loop(node, nodename, inames, onames):
    operands = _operands(node, inames, onames)
    fixed = [_is_fixed(v, node) for _, v, _ in operands]
    keep_last = any(f and not all(v.type.broadcastable) for f, (_, v, _) in zip(fixed, operands))
    fill = [
        "lnl_add(&loop, {}, {:d}, {:d});".format(name, is_output, is_fixed)
        for (name, _, is_output), is_fixed in zip(operands, fixed)
    ]
    return """
    {{
        lnl_loop loop;
        loop.inner = {inner};
        loop.ndim = {ndim};
        loop.count = 0;
        for (int d = 0; d < {ndim}; d++) loop.shape[d] = PyArray_DIMS({output})[d];
        {fill}
        lnl_run(&loop, {keep_last}, {minimum});
    }}
    """.format(
        inner=_inner_name(nodename),
        ndim=node.outputs[0].ndim,
        output=onames[0],
        fill="\n        ".join(fill),
        keep_last=int(keep_last),
        minimum=least_for_threads(),
    )


def gains(node, with_one_thread=False):
    """Whether a node of the graph is an elementwise operation that this loop makes faster, or that
    it is to keep, however simple, from threads.
    """
    if type(node.op) is not Elemwise:
        return False
    variables = node.inputs + node.outputs
    if len(variables) > _MOST_OPERANDS or node.outputs[0].ndim > _MOST_DIMENSIONS:
        return False
    if all(node.outputs[0].type.broadcastable) or any(v.dtype not in _DTYPES for v in variables):
        return False
    ops = _scalar_ops(node.op.scalar_op)
    if not any(isinstance(op, Kernel) for op in ops):
        if not _is_simple(node, ops) or not (with_one_thread or _is_one_by_one(node, ops)):
            return False
    try:
        return _FAIL not in _inner_function(node.op, node, "node")
    except (MethodNotDefined, NotImplementedError):
        return False


def _scalar_ops(op):
    """The scalar operations that it consists of, those inside of a Composite in its place."""
    if not isinstance(op, scalar.Composite):
        return [op]
    return [inner for node in op.fgraph.apply_nodes for inner in _scalar_ops(node.op)]


def _whole(node):
    """Its inputs and outputs without those that are one number."""
    return [v for v in node.inputs + node.outputs if not all(v.type.broadcastable)]


def _is_simple(node, ops):
    dtypes = {variable.dtype for variable in _whole(node)}
    names = {type(op).__name__ for op in ops}
    return dtypes in ({"float32"}, {"float64"}) and names <= {*_CHOICES, *_ARITHMETIC}


def _is_one_by_one(node, ops):
    """Whether the library's own loop may compute one element at a time: where there is a choice,
    a repeated row or column, or four arrays.
    """
    whole, broadcastable = _whole(node), node.outputs[0].type.broadcastable
    has_choice = any(type(op).__name__ in _CHOICES for op in ops)
    repeats = any(variable.type.broadcastable != broadcastable for variable in whole)
    return has_choice or repeats or len(whole) >= 4
