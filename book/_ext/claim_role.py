"""Sphinx extension: the role ``{claim}`` sets the mark that stands behind a checked sentence, the way to how it was checked.

It names an assertion as `python -m icrl verify --json` does: the claim, a slash, the assertion.
"""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import ReferenceRole


class ClaimRole(ReferenceRole):
    """A reference to the place on the status pages where an assertion stands."""

    def run(self):
        found = pending_xref(
            self.rawtext,
            nodes.inline("", self.title if self.has_explicit_title else "✓"),
            refdoc=self.env.docname,
            refdomain="std",
            reftype="ref",
            reftarget="status-"
            + self.target.replace("/", "-").lower(),  # as labels are kept
            refexplicit=True,
            refwarn=True,
        )
        self.set_source_info(found)
        return [found], []


def setup(app):
    app.add_role("claim", ClaimRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
