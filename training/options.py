"""The command-line options of a training that can run on a graphics card elsewhere and ship its outcome here."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser, *, out: Path, work: Path) -> None:
    """``--data``, ``--out``, ``--work``, ``--wheels``, ``--effort``, ``--half``, ``--weights`` and ``--weights-only``."""
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets of photos")
    parser.add_argument("--out", type=Path, default=out, help="the model's folder (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=work, help="where to keep what can be resumed (default: %(default)s)")
    parser.add_argument("--wheels", type=Path, help="a folder with the ImageNet weights' wheels, if they are already here")
    parser.add_argument("--effort", type=float, default=1.0, help="the share of the training that is done, 0..1 (default: %(default)s)")
    parser.add_argument("--half", action="store_true", help="compute in bfloat16, where the machine is quick at it")
    parser.add_argument("--weights", type=Path, help="ship these trained weights, and train nothing")
    parser.add_argument("--weights-only", action="store_true", help="train, write weights.npz under --work, and ship nothing")
