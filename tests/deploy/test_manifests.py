"""The Kubernetes manifests: every combination is valid for the three newest versions, and keeps our own rules."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.combinations import ROOT, STORES, combined, every_combination, overlay
from tests.deploy.policies import complaints
from tools import crds

VERSIONS = ("1.37", "1.36", "1.35")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def production() -> list[dict[str, Any]]:
    return overlay("production")


@pytest.fixture(scope="module")
def dev() -> list[dict[str, Any]]:
    return overlay("dev")


@pytest.fixture(scope="module")
def gpu() -> list[dict[str, Any]]:
    return overlay("gpu")


def is_of_an_operator(manifest: dict[str, Any]) -> bool:
    """Kubernetes' own groups have no dot, or end on its own name, as does one operator's."""
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return "." in group and (group == "sparkoperator.k8s.io" or not group.endswith(".k8s.io"))


def invalid(found: list[dict[str, Any]], version: str) -> list[str]:
    return [problem for each in found for problem in problems(json.dumps(each), version)]


@cache  # combinations share most of what they are made of
def problems(text: str, version: str) -> tuple[str, ...]:
    """What a version of Kubernetes, or the operator whose it is, would refuse of a manifest."""
    manifest = json.loads(text)
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if is_of_an_operator(manifest):
        return tuple(f"{name}: {complaint}" for complaint in crds.complaints(manifest))
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return (f"{name}: {error.message}",)
    return ()


@pytest.fixture(scope="module")
def second() -> list[dict[str, Any]]:
    return overlay("second-generation")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["production", "dev", "second", "gpu"])
def test_the_overlays_are_valid(request: pytest.FixtureRequest, name: str, version: str) -> None:
    assert invalid(request.getfixturevalue(name), version) == []


@pytest.mark.parametrize("name", ["production", "dev", "gpu"])
def test_the_overlays_keep_our_rules(request: pytest.FixtureRequest, name: str) -> None:
    assert complaints(request.getfixturevalue(name)) == []


def test_a_second_generation_keeps_our_rules_beside_the_first(production: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert complaints([*production, *second]) == []
    names = [(each["kind"], each["metadata"]["name"]) for each in (*production, *second)]
    assert len(names) == len(set(names))


def test_no_service_reaches_another_generations_pods(production: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    pods = [
        (each["metadata"]["name"], each["spec"]["template"]["metadata"]["labels"])
        for each in (*production, *second)
        if each["kind"] in ("Deployment", "StatefulSet")
    ]
    for each in (*production, *second):
        if each["kind"] in ("Service", "PodDisruptionBudget") and "selector" in each["spec"]:
            selector = each["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            assert [name for name, labels in pods if selector.items() <= labels.items()] == [each["metadata"]["name"]]


def test_a_second_generations_parts_name_each_other_and_write_an_index_of_their_own(second: list[dict[str, Any]]) -> None:
    for each in second:
        if each["kind"] not in ("Deployment", "StatefulSet"):
            continue
        variables = {
            variable["name"]: variable.get("value", "") for variable in each["spec"]["template"]["spec"]["containers"][0].get("env", ())
        }
        hosts = {value.removeprefix("dns:///").split(":")[0] for value in variables.values() if value.startswith("dns:///")}
        assert {host for host in hosts if not host.endswith("-second")} <= {"copies"}, each["metadata"]["name"]
        if each["metadata"]["name"] == "catalogue-second":
            assert variables["SHOPLENS_CATALOGUE_DATABASE"] == "second"
        if each["metadata"]["name"] == "ingest-second":
            assert variables["SHOPLENS_INGEST_GROUP"] != "shoplens-ingest"


def test_everything_lies_in_the_namespace_and_belongs_to_shoplens(production: list[dict[str, Any]]) -> None:
    for each in production:
        if each["kind"] not in ("Namespace", "PriorityClass"):
            assert each["metadata"].get("namespace") == "shoplens", each["metadata"]["name"]
        if each["kind"] in ("Deployment", "StatefulSet") and each["metadata"]["name"] != "redis":
            assert each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "shoplens"


def test_every_combination_of_components_is_valid(tmp_path: Path) -> None:
    checked = 0
    for names, found in every_combination(tmp_path):
        assert complaints(found) == [], names
        for version in VERSIONS:
            assert invalid(found, version) == [], (names, version)
            checked += len(found)
    assert checked > 1_000


def test_what_a_batch_computed_is_where_ingest_and_the_finder_of_copies_look_for_it(tmp_path: Path) -> None:
    found = combined(tmp_path, ("batch", "computed"))
    written = next(each for each in found if each["kind"] == "SparkApplication")["spec"]
    place, mount = written["arguments"][3], written["executor"]["volumeMounts"][0]
    claim = next(each for each in written["volumes"] if each["name"] == mount["name"])["persistentVolumeClaim"]["claimName"]
    for name in ("ingest", "copies"):
        (pod,) = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "StatefulSet" and each["metadata"]["name"] == name]
        (container,) = pod["containers"]
        said = {each["name"]: each.get("value") for each in container["env"]}
        mounted = next(each for each in container["volumeMounts"] if each["name"] == "computed")
        volume = next(each for each in pod["volumes"] if each["name"] == "computed")["persistentVolumeClaim"]
        assert volume["claimName"] == claim
        assert mounted["readOnly"], "ingest"
        assert said[f"SHOPLENS_{name}_COMPUTED".upper()] == place.replace(mount["mountPath"], mounted["mountPath"])


def test_an_encoder_on_a_graphics_card_has_one_and_reads_the_shops_own_network(gpu: list[dict[str, Any]]) -> None:
    spec = of(gpu, "Deployment", "encoder")["spec"]
    on_card = container(gpu)
    assert on_card["image"] == "shoplens/encoder-gpu:0.1.0"
    assert on_card["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in spec["template"]["spec"]["tolerations"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}, "a surge would wait for a card"
    (models,) = [each for each in on_card["volumeMounts"] if each["name"] == "models"]
    assert models["readOnly"]
    assert {"name": "SHOPLENS_ENCODER_MODELS", "value": models["mountPath"]} in on_card["env"]
    cards = [each["metadata"]["name"] for each in gpu if "nvidia.com/gpu" in str(each.get("spec"))]
    assert cards == ["encoder"], "what ships has no use for one"


def test_each_service_hears_those_that_call_it_and_no_other(production: list[dict[str, Any]]) -> None:
    """The network policies say the same as the addresses in the environment."""
    called: dict[str, set[str]] = {}
    for each in production:
        if each["kind"] in ("Deployment", "StatefulSet"):
            for variable in each["spec"]["template"]["spec"]["containers"][0].get("env", ()):
                if str(variable.get("value", "")).startswith("dns:///"):
                    host = variable["value"].removeprefix("dns:///").split(":")[0]
                    called.setdefault(host, set()).add(each["metadata"]["name"])
    for name, callers in called.items():
        (policy,) = [each for each in production if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == name]
        allowed = {
            value
            for rule in policy["spec"]["ingress"]
            for source in rule["from"]
            for expression in source["podSelector"]["matchExpressions"]
            for value in expression["values"]
        }
        assert allowed == callers, name


def test_over_mutual_tls_every_service_has_a_certificate_for_its_name_and_plain_health(tmp_path: Path) -> None:
    found = combined(tmp_path, (*STORES, "mutual-tls"))
    certificates = {each["spec"]["secretName"]: each["spec"] for each in found if each["kind"] == "Certificate"}
    for name in services():
        workload = next(each for each in found if each["kind"] in ("Deployment", "StatefulSet") and each["metadata"]["name"] == name)
        inside = workload["spec"]["template"]["spec"]
        (secret,) = [each["secret"]["secretName"] for each in inside["volumes"] if each["name"] == "tls"]
        assert name in certificates[secret]["dnsNames"]
        assert set(certificates[secret]["usages"]) == {"server auth", "client auth"}
        variables = {each["name"]: each.get("value", "") for each in inside["containers"][0]["env"]}
        settings = {f"SHOPLENS_{name.upper()}_{key}" for key in ("TLS_CERTIFICATE", "TLS_KEY", "TLS_AUTHORITY", "HEALTH_PORT")}
        assert settings <= variables.keys()
        asked = [inside["containers"][0][probe].get("grpc", {}) for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert {probe["port"] for probe in asked if probe} == {int(variables[f"SHOPLENS_{name.upper()}_HEALTH_PORT"])}


def of(found: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))


def container(found: list[dict[str, Any]], name: str = "encoder", kind: str = "Deployment") -> dict[str, Any]:
    first: dict[str, Any] = of(found, kind, name)["spec"]["template"]["spec"]["containers"][0]
    return first


def pod(found: list[dict[str, Any]], name: str = "encoder", kind: str = "Deployment") -> dict[str, Any]:
    inside: dict[str, Any] = of(found, kind, name)["spec"]["template"]["spec"]
    return inside


def service(found: list[dict[str, Any]], name: str = "ranker") -> dict[str, Any]:
    spec: dict[str, Any] = of(found, "Service", name)["spec"]
    return spec


MISTAKES: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "runs as root": (lambda found: pod(found)["securityContext"].pop("runAsNonRoot"), "root"),
    "mounts a token": (lambda found: pod(found).pop("automountServiceAccountToken"), "token"),
    "shares an account": (lambda found: pod(found).update(serviceAccountName="default"), "account of its own"),
    "on the node's network": (lambda found: pod(found).update(hostNetwork=True), "namespace with its node"),
    "mounts the node": (lambda found: pod(found)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "folder of its node"),
    "no seccomp": (lambda found: pod(found)["securityContext"].pop("seccompProfile"), "seccomp"),
    "no grace": (lambda found: pod(found).update(terminationGracePeriodSeconds=1), "drain"),
    "writable image": (lambda found: container(found)["securityContext"].update(readOnlyRootFilesystem=False), "writes to its image"),
    "capabilities": (lambda found: container(found)["securityContext"].update(capabilities={}), "capabilities"),
    "privileged": (lambda found: container(found)["securityContext"].update(privileged=True), "privileges"),
    "no requests": (lambda found: container(found)["resources"].pop("requests"), "what it needs"),
    "no memory limit": (lambda found: container(found)["resources"].pop("limits"), "limit of memory"),
    "throttled": (lambda found: container(found)["resources"]["limits"].update(cpu="1"), "throttled"),
    "no readiness": (lambda found: container(found).pop("readinessProbe"), "readinessProbe"),
    "liveness asks dependencies": (lambda found: container(found)["livenessProbe"]["grpc"].pop("service"), "dependency fails"),
    "no preStop": (lambda found: container(found).pop("lifecycle"), "before its endpoints"),
    "image without a version": (lambda found: container(found).update(image="shoplens/encoder"), "without a version"),
    "secret in the open": (lambda found: container(found)["env"].append({"name": "X_PASSWORD", "value": "x"}), "secret"),
    "two catalogues": (lambda found: of(found, "StatefulSet", "catalogue")["spec"].update(replicas=2), "must run once"),
    "one gateway": (lambda found: of(found, "Deployment", "gateway")["spec"].update(replicas=1), "outage"),
    "service without pods": (lambda found: service(found).update(selector={"app.kubernetes.io/name": "rnker"}), "no pod"),
    "port that leads nowhere": (lambda found: service(found)["ports"][0].update(targetPort="grcp"), "leads nowhere"),
    "address of nobody": (lambda found: container(found, "gateway")["env"][0].update(value="dns:///detektor:50051"), "not there"),
    "no budget": (lambda found: found.remove(of(found, "PodDisruptionBudget", "encoder")), "drained node"),
    "budget that forbids all": (
        lambda found: of(found, "PodDisruptionBudget", "encoder")["spec"].update(minAvailable=2),
        "ever be drained",
    ),
    "open network": (lambda found: found.remove(of(found, "NetworkPolicy", "closed")), "nothing closes"),
    "open to all": (lambda found: of(found, "NetworkPolicy", "encoder")["spec"]["ingress"][0].pop("from"), "open to everybody"),
    "ingress without TLS": (lambda found: of(found, "Ingress", "gateway")["spec"].pop("tls"), "without TLS"),
    "scales the catalogue": (
        lambda found: of(found, "HorizontalPodAutoscaler", "encoder")["spec"].update(
            scaleTargetRef={"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "catalogue"}
        ),
        "must run once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found(production: list[dict[str, Any]], name: str) -> None:
    plant, said = MISTAKES[name]
    spoilt = copy.deepcopy(production)
    plant(spoilt)
    found = complaints(spoilt)
    assert any(said in each for each in found), found


INVALID: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "a field misspelt": lambda found: container(found).update(readynessProbe={}),
    "a number as a text": lambda found: of(found, "Deployment", "encoder")["spec"].update(replicas="two"),
    "a port missing": lambda found: of(found, "Service", "ranker")["spec"]["ports"][0].pop("port"),
    "no selector": lambda found: of(found, "Deployment", "encoder")["spec"].pop("selector"),
    "a field that its operator does not know": lambda found: of(found, "ScaledObject", "ingest")["spec"].update(minReplicas=2),
    "a topic without partitions in numbers": lambda found: of(found, "KafkaTopic", "catalogue.updates")["spec"].update(partitions="six"),
    "a rule without an expression": lambda found: of(found, "PrometheusRule", "shoplens")["spec"]["groups"][0]["rules"][0].pop("expr"),
    "a mode that Milvus' operator does not know": lambda found: of(found, "Milvus", "milvus")["spec"].update(mode="alone"),
    "an API that is gone": lambda found: of(found, "HorizontalPodAutoscaler", "encoder").update(apiVersion="autoscaling/v2beta2"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_kubernetes_would_refuse_is_found(production: list[dict[str, Any]], name: str) -> None:
    spoilt = copy.deepcopy(production)
    INVALID[name](spoilt)
    try:
        found = invalid(spoilt, VERSIONS[0])
    except kubernetes_validate.SchemaNotFoundError:
        return
    assert len(found) == 1, found


def services() -> Iterator[str]:
    return (each.name for each in sorted((ROOT / "services").iterdir()) if (each / "__main__.py").exists())


def test_every_service_is_deployed_and_has_an_image(production: list[dict[str, Any]]) -> None:
    deployed = {each["metadata"]["name"] for each in production if each["kind"] in ("Deployment", "StatefulSet")}
    assert set(services()) == deployed - {"redis"}
