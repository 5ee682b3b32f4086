"""Self-contained HTML pages from templates."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from likerank.version import __version__


@cache
def _templates(package: str) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys((package, "likerank.reports"))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, package: str = "likerank.reports", **content: object) -> str:
    """Returns a page; all its content is escaped.

    Args:
        template: The name of a file in `templates/`.
        package: The package whose templates are searched before the shared ones.
        content: The template's variables.
    """
    return _templates(package).get_template(template).render(version=__version__, **content)
