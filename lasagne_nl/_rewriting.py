"""Where the libraries differ in what rewrites of their graphs are made of."""

import functools
import importlib
import sys

from lasagne_nl import _activity


class Tools:
    """What a rewrite is made of, in the words of each library."""

    def __init__(self, library):
        self._library = library
        module = self.module
        self.is_theano = library.__name__ == "theano"
        self.optdb = library.compile.mode.optdb
        self.scalar, self.tensor = module("scalar"), module("tensor")
        self.gradient = module("gradient")
        self.extra_ops, self.sort = module("tensor.extra_ops"), module("tensor.sort")
        # Aesara warns of the older name.
        names = ("true_divide", "true_div")
        self.true_div = getattr(self.tensor, next(n for n in names if hasattr(self.tensor, n)))
        if self.is_theano:
            self.special, self.functions = module("tensor.nnet.nnet"), module("tensor.nnet")
            self.asserts = module("tensor.opt").Assert
            # theano.gof.opt in Theano, theano.graph.opt in Theano-PyMC.
            rewriting = sys.modules[module("tensor.opt").in2out.__module__]
            self._local = rewriting.local_optimizer
            elemwise = module("tensor.elemwise")
            self.c_op = getattr(elemwise, "ExternalCOp", None) or elemwise.COp
            self.c_linker = module("gof.cc", "link.c.basic").CLinker
        else:
            self.special, self.functions = module("tensor.special"), self.tensor
            self.asserts = module("raise_op").CheckAndRaise
            rewriting = module("graph.rewriting.basic")
            self._local = rewriting.node_rewriter
        self.copy_stack_trace = rewriting.copy_stack_trace
        self._orders = {"inputs first": rewriting.in2out, "outputs first": rewriting.out2in}

    def module(self, name, in_successors=None):
        """A module of the library, by the name that Theano has for it, and the others."""
        if in_successors and not hasattr(self._library, "gof"):
            name = in_successors
        return importlib.import_module("{}.{}".format(self._library.__name__, name))

    def change_flags(self, **flags):
        """A context in which flags have other values, those that the library has."""
        config = self._library.config
        change = getattr(config, "change_flags", None) or self.module("configparser").change_flags
        return change(**{flag: value for flag, value in flags.items() if hasattr(config, flag)})

    def canonical(self, variable):
        """A variable of PyTensor as PyMC has it before it takes gradients."""
        rewrite = self.module("graph.rewriting.utils").rewrite_graph
        return rewrite(variable, include=("canonicalize", "stabilize"))

    def are_rewrites_on(self):
        """Whether the program has asked for ours, and its flags do not exclude them."""
        excluded = self._library.config.optimizer_excluding.split(":")
        return _activity.is_awake() and "lasagne_nl" not in excluded

    def local(self, *ops):
        """Make a local rewrite of a function of the graph and a node of the kind of one of the ops,
        which may be classes.
        """
        kinds = tuple(op if isinstance(op, type) else type(op) for op in ops)

        def decorate(function):
            @functools.wraps(function)
            def rewrite(*graph_and_node):  # Theano gives the node alone, and nodes of any kind
                node = graph_and_node[-1]
                fgraph = graph_and_node[0] if len(graph_and_node) > 1 else node.fgraph
                is_asked_for = isinstance(node.op, kinds) and _activity.is_awake()
                results = is_asked_for and function(fgraph, node)
                if results and self.is_theano and results[0].type != node.outputs[0].type:
                    return False
                if results:
                    self.copy_stack_trace(node.outputs, results)
                return results

            return self._local(list(ops))(rewrite)

        return decorate

    def register(self, name, position, *rewrites, tags, order="inputs first", **options):
        """Have rewrites made at a position in the library's own order of passes."""
        if name in self.optdb.__db__:
            return
        rewrite = self._orders[order](*rewrites, name=name, **options)
        if self.is_theano:
            self.optdb.register(name, rewrite, position, *tags)
        else:
            self.optdb.register(name, rewrite, *tags, position=position)

    @staticmethod
    def clients(fgraph, variable):
        """The nodes that take a variable, where they are no outputs of the graph."""
        clients = variable.clients if hasattr(variable, "clients") else fgraph.clients[variable]
        # An output is a string as node; in PyTensor 3 a node without outputs.
        return [node if getattr(node, "outputs", None) else None for node, _ in clients]
