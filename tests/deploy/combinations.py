"""What can be deployed: the overlays, and the base with every combination of components."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from tools.kustomize import rendered

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy" / "k8s"
COMPONENTS = sorted(each.name for each in (K8S / "components").iterdir())
STORES = ("milvus", "redis", "strimzi")
APART = ("batch", "computed", "gpu", "migration")

Manifests = list[dict[str, Any]]


def overlay(name: str) -> Manifests:
    return _manifests(K8S / "overlays" / name)


def overlays() -> list[str]:
    return sorted(each.name for each in (K8S / "overlays").iterdir())


def combined(folder: Path, components: tuple[str, ...]) -> Manifests:
    """The base with these components, rendered in ``folder``."""
    made = folder / "-".join(("combination", *components))
    made.mkdir()
    images = ["encoder-gpu", *(each.stem for each in sorted((K8S / "base").rglob("*.yaml")))]
    relative = Path(*[".."] * len(made.parts[1:])) / K8S.relative_to("/")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "shoplens",
        "resources": [str(relative / "base")],
        "components": [str(relative / "components" / name) for name in components],
        "images": [{"name": f"shoplens/{image}", "newTag": "0.1.0"} for image in images],
    }
    (made / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return _manifests(made)


def every_combination(folder: Path) -> Iterator[tuple[tuple[str, ...], Manifests]]:
    """The stores stay in: without them their addresses are a shop's own to name. What touches nothing of the others is in or out as one."""
    free = [name for name in COMPONENTS if name not in (*STORES, *APART)]
    some = [names for size in range(len(free) + 1) for names in combinations(free, size)]
    chosen = [(*STORES, *names, *apart) for names in some for apart in ((), APART)]
    with ThreadPoolExecutor() as pool:
        yield from zip(chosen, pool.map(lambda names: combined(folder, names), chosen), strict=True)


def _manifests(folder: Path) -> Manifests:
    return [each for each in yaml.safe_load_all(rendered(folder)) if each]
