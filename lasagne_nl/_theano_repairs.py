"""What Theano 1.0.5 needs before it imports on a current Python and NumPy, and Theano-PyMC too.

``install()`` has the next ``import theano`` of this process made with the repairs; it changes
nothing by itself, and nothing at all where Theano is imported already. Each repair is made only
where it is needed, and what is put into NumPy for the import is taken out again after it.
``repair_flags()`` has Clang compile what Theano, Theano-PyMC and Aesara write.

This file stands alone: ``python -m lasagne_nl --repair-theano`` copies it next to a ``.pth`` file,
so it imports nothing of lasagne_nl, and nothing costly before Theano is really imported.
"""

import sys

# The names that NumPy 1.24 removed and Theano or Theano-PyMC looks up, and what they were.
_ALIASES = {"bool": bool, "int": int, "complex": complex}


def install():
    """Have the next ``import theano`` of this process repaired; harmless to call twice."""
    if "theano" in sys.modules or any(isinstance(f, _Repairs) for f in sys.meta_path):
        return
    sys.meta_path.insert(0, _Repairs())


class _Repairs:
    """Finds Theano as Python would, and runs its loader between the repairs and their removal."""

    _searching, _loader = False, None

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "theano" or self._searching:
            return None
        from importlib.util import find_spec

        self._searching = True
        try:
            spec = find_spec("theano")
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        # From here on the module is to look as if it had been imported without us.
        module.__loader__ = module.__spec__.loader = self._loader
        undo = _repair_before_import()
        try:
            self._loader.exec_module(module)
        finally:
            for owner, name in undo:
                delattr(owner, name)
        _repair_after_import()
        repair_flags(module)


def _repair_before_import():
    """Make the repairs that the import needs; return what is to be deleted after it."""
    import warnings

    import numpy

    try:
        with warnings.catch_warnings():
            # That it is deprecated is no news to somebody who imports Theano.
            warnings.simplefilter("ignore")
            import numpy.distutils
    except ModuleNotFoundError:  # Python 3.12, where Theano cannot run: its own error says so
        return []

    undo = []

    def lend(owner, name, value):
        if name not in vars(owner):
            setattr(owner, name, value)
            undo.append((owner, name))

    # Theano asks numpy.distutils.__config__ which BLAS NumPy was built with. NumPy 1.22 dropped
    # the answer (AttributeError: blas_opt_info); NumPy 1.26 dropped the module too, and then
    # Theano has numpy.distutils search the disk, for half a second, at every import.
    config = getattr(numpy.distutils, "__config__", None)
    if config is None:
        config = type(sys)("numpy.distutils.__config__")
        lend(numpy.distutils, "__config__", config)
    if not hasattr(config, "blas_opt_info"):
        lend(config, "blas_opt_info", _openblas())

    # Theano's import looks up numpy.bool and its like, which NumPy 1.24 removed.
    if _version_of(numpy) >= (1, 24):
        for name, builtin in _ALIASES.items():
            lend(numpy, name, builtin)

    # scan compiles a loop that Cython wrote in 2015, which Python 3.11's C API refuses with an
    # error that scan does not expect. Where the module cannot be imported, scan loops in Python.
    if sys.version_info >= (3, 11):
        # The first is Theano's, the second Theano-PyMC's.
        for name in ("theano.scan_module.scan_perform_ext", "theano.scan.scan_perform_ext"):
            sys.modules.setdefault(name, None)

    return undo


def _repair_after_import():
    """Keep the removed names visible to the two modules of Theano that use them when they run.

    `theano.tensor.basic.numpy_scalar` calls ``np.complex`` and takes any exception for "not a
    constant": without the name nothing fails, but every rewrite that looks for a constant (those
    behind log(1 - sigmoid(x)), for one) is silently lost.
    """
    import numpy

    if _version_of(numpy) < (1, 24):
        return
    view = type(sys)("numpy", "NumPy as Theano knew it, with the names that NumPy 1.24 removed.")
    vars(view).update(vars(numpy))
    vars(view).update((n, b) for n, b in _ALIASES.items() if n not in vars(numpy))
    for name in ("theano.scalar.basic", "theano.tensor.basic"):
        module = sys.modules.get(name)
        if getattr(module, "np", None) is numpy:
            module.np = view


def option_of_flags(config):
    """Whose attribute the user's flags for the compiler are, and its name: in Theano it is one of a
    group, in the libraries after it has two underscores.
    """
    is_theano = not hasattr(config, "gcc__cxxflags")
    return (config.gcc, "cxxflags") if is_theano else (config, "gcc__cxxflags")


def repair_flags(library):
    """Have Clang compile what a library of the family writes: loops that put the lengths of arrays
    into a list of int, which GCC warns of, and Clang refuses unless it is told not to.
    """
    config = getattr(library, "config", None)
    # What macOS calls g++ is Clang, too.
    if not hasattr(config, "cxx") or not ("clang" in config.cxx or sys.platform == "darwin"):
        return  # or it is a folder of a user's that has the name
    option = option_of_flags(config)
    if "c++11-narrowing" not in getattr(*option):
        setattr(*option, (getattr(*option) + " -Wno-c++11-narrowing").strip())


def _version_of(numpy):
    return tuple(int(part) for part in numpy.__version__.split(".")[:2])


def _openblas():
    """What NumPy used to say of BLAS: an OpenBLAS that a linker finds by name, or nothing.

    The name without a version, libopenblas.so, comes with the development package (the one with
    the headers) and is what Theano links with. A few look-ups of a file, no search.
    """
    import os

    multiarch = getattr(sys.implementation, "_multiarch", "")
    of_the_system = ["/usr/lib/" + multiarch, "/usr/lib64", "/usr/lib", "/usr/local/lib"]
    library = "libopenblas.dylib" if sys.platform == "darwin" else "libopenblas.so"
    if any(os.path.exists(os.path.join(folder, library)) for folder in of_the_system):
        return {"libraries": ["openblas"]}
    of_the_environment = os.path.join(sys.prefix, "lib")
    if os.path.exists(os.path.join(of_the_environment, library)):
        return {"libraries": ["openblas"], "library_dirs": [of_the_environment]}
    return {}
