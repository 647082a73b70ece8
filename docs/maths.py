"""A Sphinx extension: formulas as MathML, which browsers draw without a script and a network."""

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _mathml(node, as_block):
    # A line break in a docstring is none in a formula.
    tex = " ".join(node.astext().split())
    try:
        return latex2mathml.tex2mathml(tex, as_block=as_block)
    except MathError as error:
        logger.warning("no MathML for %r: %s", tex, error, location=node)
        return "<code>{}</code>".format(tex)


def inline(translator, node):
    translator.body.append('<span class="math">{}</span>'.format(_mathml(node, as_block=False)))
    raise nodes.SkipNode


def block(translator, node):
    translator.body.append('<div class="math">{}</div>\n'.format(_mathml(node, as_block=True)))
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
