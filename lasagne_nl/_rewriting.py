"""What rewrites of graphs are made of, in the words of each library; and whether they sleep.

Theano pickles operations into its compile cache, those of lasagne_nl too. Another program of the
same environment that reads the cache imports lasagne_nl by that, without ever having asked for it.
Its graphs are to stay Theano's: the rewrites sleep until the program uses lasagne_nl itself.
"""

import functools
import sys
import types

from lasagne_nl.backend import is_theano, library, module

optdb = library.compile.mode.optdb
scalar, tensor, gradient = module("scalar"), module("tensor"), module("gradient")
if is_theano:
    special, functions = module("tensor.nnet.nnet"), module("tensor.nnet")
    _rewriting = module("gof.opt", "graph.opt")
    _node_rewriter = _rewriting.local_optimizer
else:
    special, functions = module("tensor.special"), tensor
    _rewriting = module("graph.rewriting.basic")
    _node_rewriter = _rewriting.node_rewriter
_ORDERS = {"inputs first": _rewriting.in2out, "outputs first": _rewriting.out2in}
_MODULES = ("lasagne_nl", "lasagne_nl.nonlinearities")
# In Theano, and in Theano-PyMC and its successors.
_READ_THE_CACHE = ["theano.gof.cmodule"]
_READ_THE_CACHE += [one + ".link.c.cmodule" for one in ("theano", "aesara", "pytensor")]
_is_awake = True


def change_flags(**flags):
    """A context in which flags have other values, those that the library has."""
    config = library.config
    change = getattr(config, "change_flags", None) or module("configparser").change_flags
    return change(**{flag: value for flag, value in flags.items() if hasattr(config, flag)})


def canonical(variable):
    """A variable of PyTensor as PyMC has it before it takes gradients."""
    rewrite = module("graph.rewriting.utils").rewrite_graph
    return rewrite(variable, include=("canonicalize", "stabilize"))


def are_rewrites_on():
    """Whether the program has asked for ours, and its flags do not exclude them."""
    return _is_awake and "lasagne_nl" not in library.config.optimizer_excluding.split(":")


def local(*ops):
    """Make a local rewrite of a function of the graph and a node of one of these ops or classes."""

    def is_asked_for(op):
        return any(
            isinstance(op, one) if isinstance(one, type) else type(op) is type(one) and op == one
            for one in ops
        )

    def decorate(function):
        @functools.wraps(function)
        def rewrite(*graph_and_node):  # Theano gives the node alone, and nodes of any kind
            node = graph_and_node[-1]
            fgraph = graph_and_node[0] if len(graph_and_node) > 1 else node.fgraph
            results = _is_awake and is_asked_for(node.op) and function(fgraph, node)
            if results and is_theano and results[0].type != node.outputs[0].type:
                return False
            if results:
                _rewriting.copy_stack_trace(node.outputs, results)
            return results

        return _node_rewriter(list(ops))(rewrite)

    return decorate


def register(name, position, *rewrites, tags, order="inputs first", **options):
    """Have rewrites made at a position in the library's own order of passes; those stay that are
    there from an earlier import.
    """
    if name in optdb.__db__:
        return
    rewrite = _ORDERS[order](*rewrites, name=name, **options)
    if is_theano:
        optdb.register(name, rewrite, position, *tags)
    else:
        optdb.register(name, rewrite, *tags, position=position)


def clients(fgraph, variable):
    """The nodes that take a variable, where they are no outputs of the graph."""
    found = variable.clients if hasattr(variable, "clients") else fgraph.clients[variable]
    # An output is a string as node; in PyTensor 3 a node without outputs.
    return [node if getattr(node, "outputs", None) else None for node, _ in found]


def sleep_if_only_unpickled():
    """Sleep if Theano is importing lasagne_nl to read its cache, until an attribute is used."""
    global _is_awake
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") in _READ_THE_CACHE:
            _is_awake = False
            for name in _MODULES:
                sys.modules[name].__class__ = _Sleeping
        frame = frame.f_back


class _Sleeping(types.ModuleType):
    """A module whose use by a program wakes the rewrites."""

    def __getattribute__(self, attribute):
        global _is_awake
        if not attribute.startswith("__"):
            _is_awake = True
            for name in _MODULES:
                sys.modules[name].__class__ = types.ModuleType
        return types.ModuleType.__getattribute__(self, attribute)
