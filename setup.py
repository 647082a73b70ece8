"""Metadata and dependencies of lasagne_nl."""

import os
import re
import runpy

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

HERE = os.path.dirname(os.path.abspath(__file__))
REQUIREMENTS = runpy.run_path(os.path.join(HERE, "lasagne_nl", "_requirements.py"))
PYTHONS, with_markers = REQUIREMENTS["PYTHONS"], REQUIREMENTS["with_markers"]


def read(*path):
    """Return the text of a file of this checkout."""
    with open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


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
    version=re.search(r'__version__ = "(.+)"', read("lasagne_nl", "__init__.py")).group(1),
    description="A drop-in for lasagne.nonlinearities that installs, is exact, and stays stable",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    author="The lasagne_nl developers",
    license="MIT",
    packages=find_packages(include=["lasagne_nl", "lasagne_nl.*"]),
    package_data={"lasagne_nl.simd": ["*.h"]},
    python_requires=">={},<3.{}".format(PYTHONS[0], int(PYTHONS[-1].split(".")[1]) + 1),
    install_requires=with_markers(REQUIREMENTS["DEFAULT"]),
    extras_require={
        **{extra: with_markers(rows) for extra, rows in REQUIREMENTS["EXTRAS"].items()},
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
        *("Programming Language :: Python :: " + python for python in PYTHONS),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    keywords="theano, lasagne, aesara, pytensor, activation, nonlinearity, neural network",
    cmdclass={"sdist": SourceDistribution},
)
