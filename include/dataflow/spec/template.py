"""What a template in ``include/templates`` says beside the keys of a config: its inputs."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from dataflow.spec.base import Name, Spec
from dataflow.spec.params import Param

__all__ = ["Input", "TemplateHead"]


class Input(Param):
    """One value that a config gives in ``with``; said in the same words as a param."""

    default: Any = None
    """What it is where the config gives none; an input without a default must be given, and null leaves out its key."""

    @property
    def is_required(self) -> bool:
        """Whether every config that extends the template gives it."""
        return "default" not in self.model_fields_set


class TemplateHead(Spec):
    """The part of a template that is about the template itself."""

    inputs: dict[Name, Input] = Field(default_factory=dict)
    """The values that a config gives in ``with``; written as ``{{ inputs.<name> }}`` in the template."""
