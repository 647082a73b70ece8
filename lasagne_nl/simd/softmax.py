"""Softmax and the operations that Theano makes of it, row by row with the kernels' exponential."""

from theano import config
from theano.gof.op import OpenMPOp
from theano.tensor.nnet import nnet

from lasagne_nl.simd.elemwise import compile_args
from lasagne_nl.simd.scalar_ops import read_source

_KERNELS, _KERNELS_VERSION = read_source("kernels.h")
_ROWS, _ROWS_VERSION = read_source("softmax.h")


class _Rows(OpenMPOp):
    """What the operations on rows have in common: they check, allocate, and run over the rows.

    A subclass has Theano's own operation as its second base, whose computation in Python, gradient
    and shape inference it keeps.
    """

    __props__ = ("openmp",)

    def c_headers(self):
        return super().c_headers() + ["<math.h>"]

    def c_support_code(self):
        return _KERNELS + "\n" + _ROWS

    def c_compile_args(self):
        # It makes of "omp simd" what it says, and nothing of the threads.
        return super().c_compile_args() + list(compile_args()) + ["-fopenmp-simd"]

    def c_code_cache_version(self):
        return (_KERNELS_VERSION, _ROWS_VERSION, 1, self.openmp, config.openmp_elemwise_minsize)

    def _check(self, condition, message, fail, *values):
        """Raise a ValueError unless the condition holds."""
        return """
        if (!({condition})) {{
            PyErr_Format(PyExc_ValueError, "{message}"{values});
            {fail}
        }}
        """.format(
            condition=condition,
            message=message,
            values="".join(", (long){}".format(v) for v in values),
            fail=fail,
        )

    def _allocate(self, output, like, fail):
        """Have `output` of the shape and dtype of the array `like`."""
        return """
        if (!{output} || !PyArray_SAMESHAPE({output}, {like})) {{
            Py_XDECREF({output});
            {output} = (PyArrayObject *)PyArray_EMPTY(
                PyArray_NDIM({like}), PyArray_DIMS({like}), PyArray_TYPE({like}), 0);
            if (!{output}) {{ {fail} }}
        }}
        """.format(output=output, like=like, fail=fail)

    def _run(self, rows, like, fail):
        """Run the call `rows` for the rows `from` to `to` of a matrix, in threads if there are."""
        threads = "1"
        pragma = ""
        if self.openmp:
            threads = "PyArray_SIZE({}) >= {} ? omp_get_max_threads() : 1".format(
                like, config.openmp_elemwise_minsize
            )
            pragma = "#pragma omp parallel for num_threads(threads) reduction(& : enough_memory)"
        return """
        {{
            const npy_intp count = PyArray_DIMS({like})[0], n = PyArray_DIMS({like})[1];
            const int threads = {threads};
            int enough_memory = 1;
            if (count > 0 && n > 0) {{
                {pragma}
                for (int thread = 0; thread < threads; thread++) {{
                    const npy_intp from = count * thread / threads;
                    const npy_intp to = count * (thread + 1) / threads;
                    enough_memory &= {rows};
                }}
            }}
            if (!enough_memory) {{
                PyErr_NoMemory();
                {fail}
            }}
        }}
        """.format(like=like, threads=threads, pragma=pragma, rows=rows, fail=fail)

    @staticmethod
    def _matrix(array, ctype):
        return "lnl_as_matrix<{}>({})".format(ctype, array)


def _ctype(variable):
    return variable.type.dtype_specs()[1]


class _SoftmaxRows(_Rows):
    def _softmax(self, node, x, b, out, fail, target="", more=""):
        real = _ctype(node.inputs[0])
        no_matrix = "lnl_matrix<{}>{{NULL, 0, 0}}"
        code = self._allocate(out, x, fail)
        if b:
            code = (
                self._check(
                    "PyArray_DIMS({})[1] == PyArray_DIMS({})[0]".format(x, b),
                    "number of columns in x (%ld) does not match length of b (%ld)",
                    fail,
                    "PyArray_DIMS({})[1]".format(x),
                    "PyArray_DIMS({})[0]".format(b),
                )
                + code
            )
        call = "lnl_softmax_rows<{real}, {index}>({x}, {b}, {out}, from, to, n, {rest})".format(
            real=real,
            index=target or "npy_int64",
            x=self._matrix(x, real),
            b=self._matrix(b, real) if b else no_matrix.format(real),
            out=self._matrix(out, real),
            rest=more
            or "NULL, {}, {}".format(no_matrix.format(real), no_matrix.format("npy_int64")),
        )
        return code + self._run(call, x, fail)


class Softmax(_SoftmaxRows, nnet.Softmax):
    def c_code(self, node, name, inputs, outputs, sub):
        return self._softmax(node, inputs[0], None, outputs[0], sub["fail"])


class SoftmaxWithBias(_SoftmaxRows, nnet.SoftmaxWithBias):
    def c_code(self, node, name, inputs, outputs, sub):
        return self._softmax(node, inputs[0], inputs[1], outputs[0], sub["fail"])


class LogSoftmax(_Rows, nnet.LogSoftmax):
    def c_code(self, node, name, inputs, outputs, sub):
        (x,), (out,), real = inputs, outputs, _ctype(node.inputs[0])
        call = "lnl_log_softmax_rows<{}>({}, {}, from, to, n)".format(
            real, self._matrix(x, real), self._matrix(out, real)
        )
        return self._allocate(out, x, sub["fail"]) + self._run(call, x, sub["fail"])


class SoftmaxGrad(_Rows, nnet.SoftmaxGrad):
    def c_code(self, node, name, inputs, outputs, sub):
        (g, s), (out,), real, fail = inputs, outputs, _ctype(node.inputs[0]), sub["fail"]
        call = "lnl_softmax_grad_rows<{}>({}, {}, {}, from, to, n)".format(
            real, *(self._matrix(array, real) for array in (g, s, out))
        )
        return (
            self._check("PyArray_SAMESHAPE({}, {})".format(g, s), "dy.shape != sm.shape", fail)
            + self._allocate(out, s, fail)
            + self._run(call, s, fail)
        )


class _WithTargets(_Rows):
    def _check_targets(self, node, target, x, fail, message):
        """One valid index for each row."""
        return (
            self._check(
                "PyArray_DIMS({})[0] == PyArray_DIMS({})[0]".format(x, target),
                "number of rows in x (%ld) does not match length of y (%ld)",
                fail,
                "PyArray_DIMS({})[0]".format(x),
                "PyArray_DIMS({})[0]".format(target),
            )
            + """
        for (npy_intp i = 0; i < PyArray_DIMS({target})[0]; i++) {{
            const {index} index = *({index} *)PyArray_GETPTR1({target}, i);
            {check}
        }}
        """.format(
                target=target,
                index=_ctype(node.inputs[2]),
                check=self._check(
                    "index >= 0 && (npy_uint64)index < (npy_uint64)PyArray_DIMS({})[1]".format(x),
                    message,
                    fail,
                ),
            )
        )

    def _column(self, array, ctype):
        """A vector as a matrix of one column; a scalar, or a vector of one, for all rows."""
        return (
            "lnl_matrix<{type}>{{({type} *)PyArray_DATA({array}), PyArray_SIZE({array}) > 1 ? "
            "PyArray_STRIDES({array})[0] / (npy_intp)sizeof({type}) : 0, 1}}"
        ).format(type=ctype, array=array)


class CrossentropySoftmaxArgmax1HotWithBias(
    _WithTargets, _SoftmaxRows, nnet.CrossentropySoftmaxArgmax1HotWithBias
):
    def __init__(self, openmp=None):
        _Rows.__init__(self, openmp)

    def c_code(self, node, name, inputs, outputs, sub):
        (x, b, target), (nll, out, argmax) = inputs, outputs
        real, index, fail = _ctype(node.inputs[0]), _ctype(node.inputs[2]), sub["fail"]
        vector = """
        if (!{output} || PyArray_DIMS({output})[0] != PyArray_DIMS({target})[0]) {{
            Py_XDECREF({output});
            {output} = (PyArrayObject *)PyArray_EMPTY(1, PyArray_DIMS({target}), {type}, 0);
            if (!{output}) {{ {fail} }}
        }}
        """
        more = "&target, {}, {}".format(self._column(nll, real), self._column(argmax, index))
        return (
            self._check_targets(node, target, x, fail, "y_i value out of bounds")
            + vector.format(output=nll, target=target, type="PyArray_TYPE({})".format(x), fail=fail)
            + vector.format(
                output=argmax, target=target, type="PyArray_TYPE({})".format(target), fail=fail
            )
            + "{{ const lnl_matrix<{}> target = {};\n".format(index, self._column(target, index))
            + self._softmax(node, x, b, out, fail, index, more)
            + "}\n"
        )


class CrossentropySoftmax1HotWithBiasDx(_WithTargets, nnet.CrossentropySoftmax1HotWithBiasDx):
    def c_code(self, node, name, inputs, outputs, sub):
        (g, s, target), (out,) = inputs, outputs
        real, index, fail = _ctype(node.inputs[1]), _ctype(node.inputs[2]), sub["fail"]
        call = "lnl_crossentropy_grad_rows<{}, {}>({}, {}, {}, {}, from, to, n)".format(
            real,
            index,
            self._column(g, real),
            self._matrix(s, real),
            self._column(target, index),
            self._matrix(out, real),
        )
        return (
            self._check(
                "PyArray_SIZE({g}) == 1 || PyArray_SIZE({g}) == PyArray_DIMS({s})[0]".format(
                    g=g, s=s
                ),
                "dnll.shape[0] (%ld) != sm.shape[0] (%ld)",
                fail,
                "PyArray_SIZE({})".format(g),
                "PyArray_DIMS({})[0]".format(s),
            )
            + self._check_targets(node, target, s, fail, "y_i >= dx dimensions[1] or y_i < 0.")
            + self._allocate(out, s, fail)
            + self._run(call, s, fail)
        )


# Theano's operation: the one that takes its place.
REPLACEMENTS = {
    getattr(nnet, op.__name__): op
    for op in (
        Softmax,
        SoftmaxWithBias,
        LogSoftmax,
        SoftmaxGrad,
        CrossentropySoftmaxArgmax1HotWithBias,
        CrossentropySoftmax1HotWithBiasDx,
    )
}
