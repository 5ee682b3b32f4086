"""Pages that are one file each: nothing is loaded from elsewhere."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from likerank import __version__

_TEMPLATES = Environment(
    loader=PackageLoader("likerank.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(template: str, **content: object) -> str:
    """Returns a page; all that is put into it is escaped.

    Args:
        template: A file's name in `templates/`.
        content: What the template names.
    """
    return _TEMPLATES.get_template(template).render(version=__version__, **content)
