"""What every manifest of ours must fulfil, beyond being valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Manifest = Mapping[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
SINGLE = ("catalogue", "copies", "standalone")
"""Who owns a store: never more than one of these runs."""

STORES = ("redis",)
_AT_MOST_GRACE_S = 60


def complaints(manifests: Sequence[Manifest]) -> list[str]:
    """What is wrong, each with the name of what it is about; empty where all is well."""
    found: list[str] = []
    for manifest in manifests:
        if manifest["kind"] in WORKLOADS:
            name = f"{manifest['kind']}/{manifest['metadata']['name']}"
            found += [f"{name}: {each}" for each in _of_workload(manifest)]
    return [*found, *_of_names(manifests), *_of_network(manifests), *_of_budgets(manifests)]


def _of_workload(workload: Manifest) -> Iterator[str]:
    name, spec = workload["metadata"]["name"], workload["spec"]
    part = workload["metadata"]["labels"]["app.kubernetes.io/name"]
    pod = spec["template"]["spec"]
    if part in SINGLE and spec.get("replicas") != 1:
        yield "owns a store and must run once"
    if part in SINGLE and workload["kind"] != "StatefulSet":
        yield "owns a store and must be a StatefulSet, which starts no second before the first is gone"
    if part not in (*SINGLE, *STORES) and spec.get("replicas", 1) < 2:
        yield "runs once, so a restart is an outage"
    if pod.get("automountServiceAccountToken") is not False:
        yield "mounts a token that it does not need"
    if pod.get("serviceAccountName") != name:
        yield "has no service account of its own"
    if pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC"):
        yield "shares a namespace with its node"
    if any("hostPath" in volume for volume in pod.get("volumes", ())):
        yield "mounts a folder of its node"
    context = pod.get("securityContext", {})
    if not context.get("runAsNonRoot") or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if name not in STORES and not 15 <= pod.get("terminationGracePeriodSeconds", 0) <= _AT_MOST_GRACE_S:
        yield "has no time to drain, or too much"
    for container in pod["containers"]:
        yield from _of_container(name, container)


def _of_container(name: str, container: Manifest) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield "may gain privileges"
    if not context.get("readOnlyRootFilesystem"):
        yield "writes to its image"
    if context.get("capabilities", {}).get("drop") != ["ALL"] or context.get("capabilities", {}).get("add"):
        yield "keeps capabilities"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= resources.get("requests", {}).keys():
        yield "does not say what it needs"
    if "memory" not in resources.get("limits", {}):
        yield "has no limit of memory"
    if "cpu" in resources.get("limits", {}):
        yield "is throttled by a limit of processor time"
    for probe in ("livenessProbe", "readinessProbe", *(() if name in STORES else ("startupProbe",))):
        if probe not in container:
            yield f"has no {probe}"
    liveness = container.get("livenessProbe", {})
    if "grpc" in liveness and liveness["grpc"].get("service") != "alive":
        yield "is restarted when a dependency fails"
    if name not in STORES and "preStop" not in container.get("lifecycle", {}):
        yield "ends before its endpoints hear of it"
    tag = str(container["image"]).rpartition(":")[2]
    if ":" not in str(container["image"]) or tag == "latest":
        yield "has an image without a version"
    for variable in container.get("env", ()):
        secret = any(word in variable["name"] for word in ("PASSWORD", "TOKEN", "SECRET", "API_KEY"))
        if secret and "valueFrom" not in variable:
            yield f"holds a secret in {variable['name']}"


def _of_names(manifests: Sequence[Manifest]) -> Iterator[str]:
    """Whatever a manifest names in another must be there."""
    accounts = {each["metadata"]["name"] for each in manifests if each["kind"] == "ServiceAccount"}
    pods = {
        (each["kind"], each["metadata"]["name"]): each["spec"]["template"]["metadata"]["labels"]
        for each in manifests
        if each["kind"] in WORKLOADS
    }
    ports = {
        label["app.kubernetes.io/name"]: {
            port["name"]: port["containerPort"]
            for workload in manifests
            if (workload["kind"], workload["metadata"]["name"]) == key
            for container in workload["spec"]["template"]["spec"]["containers"]
            for port in container.get("ports", ())
        }
        for key, label in pods.items()
    }
    services = {each["metadata"]["name"] for each in manifests if each["kind"] == "Service"}
    for kind, name in pods:
        if name not in accounts:
            yield f"{kind}/{name}: its service account is not there"
    for each in manifests:
        name = each["metadata"]["name"]
        if each["kind"] == "Service" and "selector" in each["spec"]:
            target = each["spec"]["selector"].get("app.kubernetes.io/name")
            if target not in ports:
                yield f"Service/{name}: selects no pod"
                continue
            for port in each["spec"]["ports"]:
                if port.get("targetPort") not in (*ports[target], *ports[target].values()):
                    yield f"Service/{name}: its port {port['name']} leads nowhere"
        if each["kind"] == "HorizontalPodAutoscaler":
            target = each["spec"]["scaleTargetRef"]
            if (target["kind"], target["name"]) not in pods:
                yield f"HorizontalPodAutoscaler/{name}: scales nothing"
            elif target["name"] in SINGLE:
                yield f"HorizontalPodAutoscaler/{name}: scales what must run once"
        if each["kind"] == "Ingress":
            for rule in each["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    if path["backend"]["service"]["name"] not in services:
                        yield f"Ingress/{name}: {path['path']} leads nowhere"
            if not each["spec"].get("tls"):
                yield f"Ingress/{name}: without TLS"
    for kind, name in pods:
        workload = next(each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name))
        for container in workload["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env", ()):
                address = str(variable.get("value", ""))
                host = address.removeprefix("dns:///").split("://")[-1].split(":")[0].split("/")[0]
                if ":" in address and "/data" not in address and host not in services:
                    yield f"{kind}/{name}: {variable['name']} names {host}, which is not there"


def _of_network(manifests: Sequence[Manifest]) -> Iterator[str]:
    policies = [each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"]
    if not policies:
        return
    closed = [
        each
        for each in policies
        if set(each["policyTypes"]) == {"Ingress", "Egress"} and not each.get("ingress") and not each.get("egress")
    ]
    if not any(each["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/part-of") == "shoplens" for each in closed):
        yield "NetworkPolicy: nothing closes what is not opened"
    for each in policies:
        for rule in each.get("ingress", ()):
            if not rule.get("from"):
                yield "NetworkPolicy: open to everybody"
        for rule in each.get("egress", ()):
            if not rule.get("to"):
                yield "NetworkPolicy: may speak to everybody"


def _of_budgets(manifests: Sequence[Manifest]) -> Iterator[str]:
    budgets = [each for each in manifests if each["kind"] == "PodDisruptionBudget"]
    for each in manifests:
        if each["kind"] in WORKLOADS:
            name, replicas = each["metadata"]["name"], each["spec"].get("replicas", 1)
            labels = each["spec"]["template"]["metadata"]["labels"]
            its = [budget["spec"] for budget in budgets if budget["spec"]["selector"]["matchLabels"].items() <= labels.items()]
            if replicas > 1 and not its:
                yield f"{each['kind']}/{name}: a drained node may end all of it"
            if any(budget.get("minAvailable", 0) >= replicas for budget in its):
                yield f"PodDisruptionBudget/{name}: no node can ever be drained"
