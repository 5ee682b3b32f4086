"""Pages that are one file each: nothing is loaded from elsewhere."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from likerank import __version__

_OWN = "likerank.reports"


@cache
def _templates(package: str) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys((package, _OWN))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, package: str = _OWN, **content: object) -> str:
    """Returns a page; all that is put into it is escaped.

    Args:
        template: A file's name in `templates/`.
        package: The package whose templates are searched before those that all pages share.
        content: What the template names.
    """
    return _templates(package).get_template(template).render(version=__version__, **content)
