"""What a model of ours says of its fields: the docstring below each.

pydantic's ``use_attribute_docstrings`` reads the source of every model as it is imported: a tenth of a second of each
parse and each task's start, for texts that only messages about configs, schemas and references show. So they are read
here, when one is shown.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel

__all__ = ["attribute_docstrings"]


@cache
def attribute_docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """Give the docstring of each field that has one, by the field's name; those of base classes too.

    An author's model has none: what it says of a field is for pydantic to know, as its author chose.
    """
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.startswith("dataflow."):
            found |= _classes_of(each.__module__).get(each.__qualname__, {})
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache
def _classes_of(module: str) -> Mapping[str, Mapping[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_fields_of(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields_of(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
