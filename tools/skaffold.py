"""skaffold's own schema of its configuration, from its Go module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jsonschema

from tools.golang import module

VERSION: Final = "v2.16.1"
MODULE: Final = "github.com/GoogleContainerTools/skaffold/v2"


def complaints(config: Mapping[str, Any]) -> list[str]:
    """What skaffold would refuse of a configuration, each with its place. Raises ``FileNotFoundError`` for an unknown version."""
    # A choice that none fits is one error for all of its branches: the deepest says what is wrong.
    found = [jsonschema.exceptions.best_match([error]) for error in _validator(str(config["apiVersion"])).iter_errors(config)]
    return [f"{error.json_path}: {error.message}" for error in found if error is not None]


@cache
def _validator(api: str) -> jsonschema.Draft7Validator:
    name = f"{api.removeprefix('skaffold/')}.json"
    return jsonschema.Draft7Validator(json.loads((module(MODULE, VERSION) / "docs-v2/content/en/schemas" / name).read_text("utf-8")))
