"""Templates and references in a source's fields, resolved in the task that needs them.

A reference's value is never read as a template, and what a template gives is never read as a reference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dataflow.errors import FatalError
from dataflow.identifiers import literal
from dataflow.interval import Interval
from dataflow.masking import keep_secret
from dataflow.runtime.references import is_secret
from dataflow.spec.resolved import Steps, with_texts
from dataflow.spec.sources import Source

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["Values", "render", "render_source"]

_REFERENCE = re.compile(
    r"(?P<text>\$\$\{)"
    r"|\$\{(?P<lookup>(?:conn|var):[^}]+)\}"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<wrong>\$\{[^}]*\}?)"
)


@dataclass(frozen=True)
class Values:
    """What templates and references may name."""

    window: Interval | None
    """None where there is no run yet."""
    run_id: str
    cursor: Interval | None = None
    """Of the source that is rendered; None for one that is not incremental."""
    params: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    partition_key: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    resolve: Callable[[str], str] | None = None
    """Gives the value of ``conn:ID.password`` or ``var:KEY``."""
    mask: Callable[[str], None] = keep_secret
    """Takes every value that nobody may read in a log."""

    def names(self) -> dict[str, Any]:
        """Give what a template sees; what the run does not have is not defined there."""
        spans = {"window": self.window, "cursor": self.cursor}
        known: dict[str, Any] = {
            name: {"start": span.start, "end": span.end} for name, span in spans.items() if span is not None
        }
        known |= {"params": self.params, "settings": self.settings, "run_id": self.run_id}
        return known if self.partition_key is None else {**known, "partition_key": self.partition_key}


def render_source(name: str, source: Source, *, values: Values) -> Source:
    """Give a copy of the source whose templates and references are replaced by their values.

    Raises:
        FatalError: when a reference is not set or a template does not render; the text names field and name.
    """

    def rendered(steps: Steps, text: str, is_secret: bool) -> str:
        return render(text, values=values, key=".".join(map(str, ("sources", name, *steps))), is_secret=is_secret)

    return with_texts(source, rendered)


def render(text: str, *, values: Values, key: str, is_secret: bool = False) -> str:
    """Replace what stands in ``{{ }}`` and ``${ }``.

    Args:
        text: As the config has it.
        values: What it may name.
        key: Where it stands, for errors.
        is_secret: Whether what its references give is masked, whatever they are called.

    Raises:
        FatalError: when a reference is not set or a template does not render.
    """
    import jinja2

    if "{%" in text or "{#" in text:
        raise FatalError(f"{key}: only {{{{ }}}} is rendered; blocks and comments of Jinja are not")
    found: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        # A value goes in as a variable of the template, so that its own text is never read as one.
        name = f"reference_{len(found)}"
        found[name] = _value_of(match, values, key)
        if is_secret and not match["text"]:
            values.mask(found[name])
        return "{{ " + name + " }}"

    template = _REFERENCE.sub(keep, text)
    try:
        return _sandbox().from_string(template).render({**values.names(), **found})
    except jinja2.TemplateSyntaxError as exc:
        raise FatalError(f"{key}: {exc.message}; in {text!r}") from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as exc:
        known = ", ".join(values.names())
        raise FatalError(f"{key}: {exc}; in {text!r}. A template sees {known}") from None


def _value_of(match: re.Match[str], values: Values, key: str) -> str:
    if match["text"]:
        return "${"
    if match["wrong"]:
        raise FatalError(f"{key}: {match['wrong']!r} is no reference; write ${{NAME}}, ${{NAME:-default}}, or $${{")
    if match["lookup"]:
        if values.resolve is None:
            raise FatalError(f"{key}: ${{{match['lookup']}}} is known to Airflow only; here, give it as ${{NAME}}")
        return _masked(match["lookup"], values.resolve(match["lookup"]), values)
    value = values.environment.get(match["name"], "")
    if match["default"] is not None:
        return _masked(match["name"], value, values) if value else match["default"]
    if match["name"] not in values.environment:
        name = match["name"]
        raise FatalError(f"{key}: the variable {name} is not set; set it where tasks run, or write ${{{name}:-...}}")
    return _masked(match["name"], value, values)


def _masked(reference: str, value: str, values: Values) -> str:
    if is_secret(reference):
        values.mask(value)
    return value


def _sandbox() -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, finalize=_text, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.filters = {"date": _date, "iso": _iso, "sql": _sql}
    return environment


def _text(value: Any) -> Any:
    if value is None:
        raise ValueError("a value is null")
    return _iso(value) if isinstance(value, date) else value


def _date(value: Any, form: str = "%Y-%m-%d", timezone: str = "UTC") -> str:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(timezone)).strftime(form)
    if isinstance(value, date):
        return value.strftime(form)
    raise TypeError(f"`date` takes a moment such as window.start, not {value!r}")


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"`iso` takes a moment such as window.start, not {value!r}")


def _sql(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return (
            {None: "NULL", True: "true", False: "false"}[value]
            if value is None or value is True or value is False
            else repr(value)
        )
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ {literal(value.astimezone(UTC).isoformat())}"
    if isinstance(value, date):
        return f"DATE {literal(value.isoformat())}"
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(_sql(item) for item in value) + ")"
    if isinstance(value, str):
        return literal(value)
    raise TypeError(f"`sql` takes text, numbers, moments and lists of them, not {value!r}")
