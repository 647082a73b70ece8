"""Metadata and dependencies of lasagne_nl."""

import os
import re

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

HERE = os.path.dirname(os.path.abspath(__file__))


def read(*path):
    """Return the text of a file of this checkout."""
    with open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


def version():
    """Return the version, which the package itself states."""
    return re.search(r'^__version__ = "([^"]+)"', read("lasagne_nl", "__init__.py"), re.M).group(1)


class SourceDistribution(sdist):
    """Has what the tests need, besides what is installed: else a MANIFEST.in would say so."""

    def make_distribution(self):
        """Write the archive."""
        for name in ("CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", ".gitignore"):
            self.filelist.include(name)
        for folder in ("docs", "tests"):
            self.filelist.graft(folder)
        for pattern in read(".gitignore").split():
            if pattern.startswith("docs/"):
                self.filelist.prune(pattern.rstrip("/"))
        self.filelist.global_exclude("*.py[co]")
        super().make_distribution()


# Theano runs on Python up to 3.11. NumPy is the newest that it needs no repair for; on Python
# 3.11 there is none, and on all of them no NumPy 2 will do.
INSTALL_REQUIRES = [
    'Theano==1.0.5; python_version < "3.12"',
    'numpy>=1.21,<1.22; python_version < "3.11"',
    'numpy>=1.23.2,<2; python_version == "3.11"',
    'pytensor>=3; python_version >= "3.12"',
]
# A library beside the default one, which stays. What is pinned is what the libraries leave open:
# Aesara, and PyTensor for Python 3.9, do not import with NumPy 2; PyTensor 2.28 and later not with
# NumPy 1.21; and that for Python 3.8 and 3.9 wants a newer setuptools than venv brings. Aesara asks
# numpy.distutils, which needs a module that setuptools 74 took away.
AESARA_REQUIRES = [
    'aesara>=2.8.12; python_version < "3.12"',
    'numpy<2; python_version < "3.12"',
    'setuptools<74; python_version < "3.12"',
    # Aesara cannot run there, but does not say so: pip would build an old NumPy for it.
    'aesara<0; python_version >= "3.12"',
]
PYTENSOR_REQUIRES = [
    "pytensor>=2.9",
    'pytensor<2.28; python_version == "3.10"',
    'numpy<2; python_version == "3.9"',
    'setuptools>=59; python_version < "3.10"',
]
TEST_REQUIRES = [
    "pytest>=7",
    "pytest-xdist>=3",
    "hypothesis>=6",
    "mpmath>=1.2",
    "scikit-learn",
    # Lasagne's layers are what the activations are tested in; it needs Theano, and pkg_resources.
    'Lasagne==0.1; python_version < "3.12"',
    'setuptools<80; python_version < "3.12"',
]

setup(
    name="lasagne_nl",
    version=version(),
    description="A drop-in for lasagne.nonlinearities that installs, is exact, and stays stable",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    author="The lasagne_nl developers",
    license="MIT",
    packages=find_packages(include=["lasagne_nl", "lasagne_nl.*"]),
    package_data={"lasagne_nl.simd": ["*.h"]},
    python_requires=">=3.7,<3.14",
    install_requires=INSTALL_REQUIRES,
    extras_require={
        "aesara": AESARA_REQUIRES,
        "pytensor": PYTENSOR_REQUIRES,
        "test": TEST_REQUIRES,
        "examples": ["scikit-learn", "matplotlib", "tqdm"],
        # mpmath computes what the documentation says of limits and slopes, matplotlib draws.
        "docs": ["sphinx", "numpydoc", "furo", "mpmath>=1.2", "matplotlib"],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.7",
        "Programming Language :: Python :: 3.8",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    keywords="theano, lasagne, aesara, pytensor, activation, nonlinearity, neural network",
    cmdclass={"sdist": SourceDistribution},
)
