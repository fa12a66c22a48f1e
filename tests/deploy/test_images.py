"""What images are built from, and the stack that compose makes of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_manifests import services
from tools import skaffold
from tools.stack.kafka import TOPICS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return loaded


def stages() -> dict[str, str]:
    parts = re.split(r"^FROM (\S+) AS ([\w-]+)\n", DOCKERFILE, flags=re.MULTILINE)
    return {name: body for _, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def given() -> list[str]:
    """What the builder of an image gets to see."""
    return [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]


def test_every_service_has_a_target_that_starts_it() -> None:
    for name in services():
        assert f'ENTRYPOINT ["python", "-m", "services.{name}"]' in stages()[name]
        port = re.search(
            r"^    port: int = Field\(default=([\d_]+)", (ROOT / "services" / name / "settings.py").read_text("utf-8"), re.MULTILINE
        )
        assert port
        assert port[1].replace("_", "") in stages()[name]


@pytest.mark.parametrize("name", ["runtime", "batch", "encoder-gpu"])
def test_what_runs_is_not_root_and_holds_no_builder(name: str) -> None:
    runs = stages()["base"] + stages()[name]
    assert runs.rindex("USER 10001:10001") > runs.rindex("RUN ")
    for word in ("pip install", "gcc", "build-essential", "curl "):
        assert word not in runs
    assert "--without-pip" in stages()["dependencies"]


def test_what_is_installed_is_known_by_its_hash_and_code_lies_in_a_layer_over_its_dependencies() -> None:
    for name, body in stages().items():
        if "--requirement" in body:
            assert "--require-hashes" in body
        if "COPY --from=package" in body:
            assert re.search(r"COPY --from=[\w-]*dependencies (\S+) \1\nCOPY --from=package /opt/package \1\n", body), name


def test_every_base_is_named_by_its_digest() -> None:
    known = {"${PYTHON_IMAGE}", *stages()}
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) <= known
    assert re.findall(r"^ARG (\w+)=\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE) == ["PYTHON_IMAGE"]


def started_by_spark(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """What the entrypoint hands to tini, which a script stands in for."""
    tini = folder / "tini"
    tini.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    tini.chmod(0o755)
    settings = {"PATH": f"{folder}:/usr/bin:/bin", "SPARK_HOME": "/spark", "JAVA_HOME": "/java", **environment}
    command = [str(ROOT / "deploy/spark/entrypoint.sh"), *arguments]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[2:]


def test_sparks_driver_is_submitted_as_a_client_at_its_pods_address(tmp_path: Path) -> None:
    started = started_by_spark(tmp_path, "driver", "--class", "Main", "cli.py", "a b", SPARK_DRIVER_BIND_ADDRESS="10.0.0.7")
    assert started == [
        *("/spark/bin/spark-submit", "--conf", "spark.driver.bindAddress=10.0.0.7", "--deploy-mode", "client"),
        *("--class", "Main", "cli.py", "a b"),
    ]


def test_sparks_executor_is_what_its_driver_asked_for(tmp_path: Path) -> None:
    options = {f"SPARK_JAVA_OPT_{place}": f"-Doption.{place}=a b" for place in range(12)}
    asked = {
        "--driver-url": ("SPARK_DRIVER_URL", "spark://CoarseGrainedScheduler@10.0.0.7:7078"),
        "--executor-id": ("SPARK_EXECUTOR_ID", "3"),
        "--cores": ("SPARK_EXECUTOR_CORES", "4"),
        "--app-id": ("SPARK_APPLICATION_ID", "spark-1"),
        "--hostname": ("SPARK_EXECUTOR_POD_IP", "10.0.0.8"),
        "--podName": ("SPARK_EXECUTOR_POD_NAME", "batch-exec-3"),
        "--resourceProfileId": ("SPARK_RESOURCE_PROFILE_ID", "0"),
    }
    started = started_by_spark(tmp_path, "executor", **options, **dict(asked.values()), SPARK_EXECUTOR_MEMORY="512m")
    assert started[:15] == ["/java/bin/java", *options.values(), "-Xms512m", "-Xmx512m"]
    after = started[started.index("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend") + 1 :]
    assert dict(zip(after[::2], after[1::2], strict=True)) == {option: value for option, (_, value) in asked.items()}


def test_sparks_image_runs_another_command_as_it_stands(tmp_path: Path) -> None:
    assert started_by_spark(tmp_path, "id", "-u") == ["id", "-u"]


def test_instructions_are_written_as_linters_ask() -> None:
    """Hadolint's rules that matter here: versions, caches, shells."""
    assert not re.search(r"^ADD ", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"^(ENTRYPOINT|CMD) [^\[]", DOCKERFILE, re.MULTILINE)
    assert ":latest" not in DOCKERFILE
    assert "sudo" not in DOCKERFILE
    for install in re.findall(r"^RUN apt-get update.*?(?=^\w)", DOCKERFILE, re.MULTILINE | re.DOTALL):
        assert "--no-install-recommends" in install
        assert "rm -rf /var/lib/apt/lists/*" in install


def test_the_builder_is_given_what_it_copies_and_no_more() -> None:
    for name in given():
        assert (ROOT / name).exists(), name
    assert {"models", "protos", "pyproject.toml", "requirements/serving.txt", "services", "shared"} <= set(given())


@pytest.mark.timeout(300)
def test_the_package_holds_all_that_runs(tmp_path: Path) -> None:
    """What an image installs, built here as there: of an empty folder with what the builder is given, and nothing else."""
    source = tmp_path / "src"
    for name in given():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    shutil.rmtree(source / "shared" / "shoplens" / "api", ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "shoplens/filters/grammar.lark",
        "shoplens/lexicon.toml",
        "shoplens/taxonomy.toml",
        "shoplens/api/search/v1/search_pb2.py",
        "services/ranker/weights.toml",
        "services/gateway/web/index.html",
        "shoplens/_models/detector/4/manifest.json",
        "shoplens/_models/encoder/4/manifest.json",
        "shoplens/_models/copies/1/manifest.json",
        "shoplens/_models/attributes/1/manifest.json",
    ):
        assert needed in names
    assert not any(name.startswith(("tests/", "training/", "benchmarks/")) for name in names)


def test_compose_starts_every_service_behind_what_it_needs(compose: dict[str, Any]) -> None:
    started = compose["services"]
    assert set(services()) <= set(started)
    for name in services():
        assert started[name]["build"]["target"] == name
        assert started[name]["read_only"] is True
        assert started[name]["healthcheck"]["test"][-1].startswith("127.0.0.1:")
        for needed in started[name].get("depends_on", {}):
            assert needed in started
        for variable, value in started[name].get("environment", {}).items():
            prefix = f"SHOPLENS_{name.upper()}_"
            assert variable.startswith(prefix)
            field = variable.removeprefix(prefix).lower()
            assert re.search(rf"^    {field}: ", (ROOT / "services" / name / "settings.py").read_text("utf-8"), re.MULTILINE), variable
            host = re.fullmatch(r"(?:\w+://)?([a-z]+):\d+(?:/\d)?", str(value))
            assert host is None or host[1] in started, value


def test_compose_listens_on_loopback_alone(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_compose_and_kubernetes_make_the_topics_that_the_tests_use(compose: dict[str, Any]) -> None:
    (script,) = compose["services"]["topics"]["command"]
    assert {name: int(count) for name, count in re.findall(r"([a-z.]+):(\d)", script.split(";")[0])} == dict(TOPICS)
    strimzi = yaml.safe_load_all((ROOT / "deploy/k8s/components/strimzi/kafka.yaml").read_text("utf-8"))
    made = {each["metadata"]["name"]: each["spec"]["partitions"] for each in strimzi if each["kind"] == "KafkaTopic"}
    assert made == dict(TOPICS)


def test_volumes_and_files_that_compose_names_are_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = str(volume).split(":")[0]
            assert source in compose["volumes"] or (source.startswith("./") and (ROOT / source).exists()), volume


def test_skaffold_builds_targets_and_overlays_that_are_there() -> None:
    loaded = yaml.safe_load((ROOT / "skaffold.yaml").read_text("utf-8"))
    for part in (loaded, *loaded["profiles"]):
        for artifact in part["build"]["artifacts"]:
            assert artifact["image"] == f"shoplens/{artifact['docker']['target']}"
            assert artifact["docker"]["target"] in stages()
        for path in part["manifests"]["kustomize"]["paths"]:
            assert (ROOT / path / "kustomization.yaml").exists()


def test_skaffold_knows_every_field_of_its_configuration() -> None:
    loaded = yaml.safe_load((ROOT / "skaffold.yaml").read_text("utf-8"))
    assert skaffold.complaints(loaded) == []
    loaded["profiles"][0]["build"]["artifacts"][0]["dokcer"] = {}
    (complaint,) = skaffold.complaints(loaded)
    assert complaint.startswith("$.profiles[0].build:")


def test_the_bill_of_materials_names_every_package_that_an_image_installs(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    recipe = (ROOT / "Makefile").read_text("utf-8").split("sbom: ")[1].split("cyclonedx-py ")[1].splitlines()[0]
    command = [str(Path(sys.executable).with_name("cyclonedx-py")), *recipe.replace("build/sbom.cdx.json", str(out)).split()]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    bill = json.loads(out.read_text("utf-8"))
    named = {(each["name"].lower(), each["version"]) for each in bill["components"]}
    pinned = re.findall(r"^([\w.\-]+)==([\w.]+)", (ROOT / "requirements" / "serving.txt").read_text("utf-8"), re.MULTILINE)
    assert len(pinned) > 50
    assert {(name.lower(), version) for name, version in pinned} <= named
    assert bill["metadata"]["component"]["name"] == "shoplens"
    for each in bill["components"]:
        assert each["purl"].startswith("pkg:pypi/")
        assert any(digest["alg"] == "SHA-256" for reference in each["externalReferences"] for digest in reference.get("hashes", ()))
