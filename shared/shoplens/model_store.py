"""Where models lie: ``<root>/<part>/<version>/``, the newest version unless one is named.

A shop's own folder of models need not hold every part's: what it lacks comes from those that ship.
"""

from __future__ import annotations

from pathlib import Path

from shoplens.models import MANIFEST_NAME, ModelError


def shipped() -> Path:
    """The models that came with shoplens: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent.parent / "models"


def model_folder(part: str, *, root: Path | None = None, version: str | None = None) -> Path:
    """The folder of a part's model. Raises ``ModelError`` where there is none."""
    if root is not None and not root.is_dir():
        raise ModelError(f"{root} is no folder; the models setting must name one that holds <part>/<version>/manifest.json.")
    parent = root / part if root is not None and (root / part).is_dir() else shipped() / part
    versions = {folder.name: folder for folder in parent.glob("*") if (folder / MANIFEST_NAME).is_file()}
    if version is not None and version in versions:
        return versions[version]
    if version is not None or not versions:
        raise ModelError(
            f"{parent} holds {sorted(versions) or 'no models'}, not version {version or 'any'}; point the models setting elsewhere."
        )
    return versions[max(versions, key=_order)]


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
