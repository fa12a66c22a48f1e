"""A real Kubernetes API server over a real etcd, on loopback: it says what a cluster would of a manifest, and no cluster runs.

Both are built from their Go modules, once, and kept; Kubernetes' takes some ten minutes on two cores.
"""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from tools import golang
from tools.stack.ports import free_port

KUBERNETES: Final = "k8s.io/kubernetes"
ETCD: Final = ("go.etcd.io/etcd/server/v3", "v3.7.3")
PATIENCE_S: Final = 120.0


class ApiServer:
    """Version ``version`` (``v1.37.2``) of Kubernetes; files and logs lie in ``folder``. Use it as a context."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._programs = _etcd(), _apiserver(version)
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._opened = ExitStack()

    def create(self, manifest: Mapping[str, Any]) -> None:
        """Keep it. Raises ``RuntimeError`` where the server refuses."""
        if refused := self._applied(manifest, dry_run=False)[0]:
            raise RuntimeError("; ".join(refused))

    def define(self, definition: Mapping[str, Any]) -> None:
        """Learn a kind of an operator, and return once resources of it are taken."""
        self.create(definition)
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"

        def established() -> bool:
            conditions = self._client.get(path).raise_for_status().json()["status"].get("conditions")
            return any(each["type"] == "Established" and each["status"] == "True" for each in conditions or ())

        Retrying(retry=retry_if_result(lambda done: not done), wait=wait_fixed(0.1), stop=stop_after_delay(PATIENCE_S))(established)

    def complaints(self, manifest: Mapping[str, Any]) -> list[str]:
        """What a server-side dry run says: why it refuses, and what it warns of (a deprecated API, a pod that its namespace forbids)."""
        refused, warned = self._applied(manifest, dry_run=True)
        return [*refused, *warned]

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        etcd, apiserver = self._programs
        with self._opened:
            clients, peers, secure = free_port(), free_port(), free_port()
            self._start(
                etcd,
                f"--data-dir={self._folder / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{clients}",
                f"--advertise-client-urls=http://127.0.0.1:{clients}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
                f"--initial-cluster=default=http://127.0.0.1:{peers}",
                "--unsafe-no-fsync",
            )
            token, key = self._credentials()
            self._start(
                apiserver,
                f"--etcd-servers=http://127.0.0.1:{clients}",
                "--bind-address=127.0.0.1",
                "--endpoint-reconciler-type=none",  # it would tell pods an address that no pod can reach
                f"--secure-port={secure}",
                f"--cert-dir={self._folder / 'certificates'}",
                f"--token-auth-file={self._folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.0.0.0/24",
            )
            # Its certificate is one that it made for itself a moment ago, on loopback.
            self._client = self._opened.enter_context(
                httpx.Client(
                    base_url=f"https://127.0.0.1:{secure}",
                    headers={"Authorization": f"Bearer {token}"},
                    verify=False,  # noqa: S501
                    timeout=30.0,
                    trust_env=False,
                )
            )
            self._wait_until_ready()
            self._opened = self._opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _applied(self, manifest: Mapping[str, Any], *, dry_run: bool) -> tuple[list[str], list[str]]:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        try:
            path = self._path(manifest)
        except LookupError as error:
            return [f"{name}: {error}"], []
        asked = {"fieldManager": "shoplens", "fieldValidation": "Strict", "force": "true", **({"dryRun": "All"} if dry_run else {})}
        answer = self._client.patch(path, params=asked, json=manifest, headers={"Content-Type": "application/apply-patch+yaml"})
        warned = [f"{name}: {text}" for text in re.findall(r'299 - "((?:[^"\\]|\\.)*)"', answer.headers.get("Warning", ""))]
        return [] if answer.is_success else [f"{name}: {answer.json().get('message', answer.text)}"], warned

    def _path(self, manifest: Mapping[str, Any]) -> str:
        """Raises ``LookupError`` for a kind that the server does not know."""
        api, kind = manifest["apiVersion"], manifest["kind"]
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        if (api, kind) not in self._plurals:
            known = self._client.get(root).json().get("resources", ())
            self._plurals |= {(api, each["kind"]): (each["name"], each["namespaced"]) for each in known if "/" not in each["name"]}
        if (api, kind) not in self._plurals:
            raise LookupError(f"no {kind} in {api}")
        plural, namespaced = self._plurals[api, kind]
        place = f"/namespaces/{manifest['metadata'].get('namespace', 'default')}" if namespaced else ""
        return f"{root}{place}/{plural}/{quote(manifest['metadata']['name'])}"

    def _credentials(self) -> tuple[str, Path]:
        """Who may do everything, and what accounts' tokens are signed with."""
        token, key = secrets.token_hex(16), self._folder / "accounts.pem"
        (self._folder / "tokens.csv").write_text(f'{token},tests,tests,"system:masters"\n')
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        key.write_bytes(made.private_bytes(*pem))
        return token, key

    def _start(self, program: Path, *arguments: str) -> None:
        log = self._opened.enter_context((self._folder / f"{program.name}.log").open("wb"))
        process = subprocess.Popen([str(program), *arguments], stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)
        self._opened.callback(process.wait)
        self._opened.callback(process.terminate)

    def _wait_until_ready(self) -> None:
        def ready() -> None:
            if any(process.poll() is not None for process in self._processes):
                raise RuntimeError(f"it ended by itself; the logs are in {self._folder}")
            self._client.get("/readyz").raise_for_status()

        failed = retry_if_exception_type(httpx.HTTPError)
        Retrying(retry=failed, wait=wait_fixed(0.2), stop=stop_after_delay(PATIENCE_S), reraise=True)(ready)


def _etcd() -> Path:
    module, version = ETCD
    beside = [name for name in golang.replaced(module, version) if name.startswith("go.etcd.io/")]
    return golang.dependency(module, module, version, dict.fromkeys(beside, version))


def _apiserver(version: str) -> Path:
    """Its own parts are published as ``v0`` of the same version."""
    parts = golang.replaced(KUBERNETES, version)
    return golang.dependency(f"{KUBERNETES}/cmd/kube-apiserver", KUBERNETES, version, dict.fromkeys(parts, version.replace("v1.", "v0.")))
