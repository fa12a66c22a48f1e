"""The schemas of operators' own resources, from where the operators publish them: Go modules, and Strimzi's generator.

They are read strictly: a field that a schema does not know is an error, where Kubernetes would drop it without a word. Rules in CEL
(``x-kubernetes-validations``) are not evaluated.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

from tools.golang import module
from tools.maven import jars

MODULES: Final = {
    ("github.com/cert-manager/cert-manager", "v1.21.2"): (
        "deploy/crds/cert-manager.io_certificates.yaml",
        "deploy/crds/cert-manager.io_issuers.yaml",
    ),
    ("github.com/kedacore/keda/v2", "v2.21.0"): ("config/crd/bases/keda.sh_scaledobjects.yaml",),
    ("github.com/kubeflow/spark-operator/v2", "v2.4.0"): ("config/crd/bases/sparkoperator.k8s.io_sparkapplications.yaml",),
    ("github.com/zilliztech/milvus-operator", "v1.2.3"): ("config/crd/bases/milvus.io_milvuses.yaml",),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0"): (
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}
"""Which files of which module define what the manifests use."""

_STRIMZI: Final = {
    "Kafka": "io.strimzi.api.kafka.model.kafka.Kafka",
    "KafkaNodePool": "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
}


def complaints(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with a resource of an operator, each with its place. Raises ``KeyError`` for a kind that no schema is known of."""
    validator = _validators()[manifest["apiVersion"], manifest["kind"]]
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


@cache
def _validators() -> Mapping[tuple[str, str], jsonschema.Draft202012Validator]:
    """By API version and kind."""
    found: dict[tuple[str, str], jsonschema.Draft202012Validator] = {}
    for definition in definitions():
        spec = definition["spec"]
        for version in spec["versions"]:
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = jsonschema.Draft202012Validator(
                _strict(version["schema"]["openAPIV3Schema"])
            )
    return found


def definitions() -> Iterator[Mapping[str, Any]]:
    """What an operator adds to a cluster, a CustomResourceDefinition a kind."""
    for (name, version), files in MODULES.items():
        for file in files:
            yield _read(module(name, version) / file)
    yield from _strimzi()


def _strimzi() -> Iterator[Mapping[str, Any]]:
    classes = jars(Path(__file__).with_name("strimzi.pom.xml"))
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"{made}={folder}/{kind}.yaml" for kind, made in _STRIMZI.items()]
        command = ["java", "-cp", f"{classes}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", *wanted]
        subprocess.run(command, check=True, capture_output=True)
        for path in sorted(Path(folder).iterdir()):
            yield _read(path)


class _Loader(yaml.CSafeLoader):
    """Takes a lone ``=`` for the text that it is, as YAML 1.2 does."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def _read(path: Path) -> Mapping[str, Any]:
    definition: Mapping[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - a safe loader, in C
    return definition


def _strict(schema: Any) -> Any:
    """A structural schema of Kubernetes as a JSON Schema that knows what it does not know."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), Mapping):
        made["properties"] = {name: _strict(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        made["type"] = [schema["type"], "null"]
    return made
