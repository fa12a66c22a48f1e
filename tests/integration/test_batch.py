"""A feed's features computed by this process and by Spark are the same, whatever is killed, and an import uses them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageOps
from prometheus_client.parser import text_string_to_metric_families

from services.copies.signature import Signer
from services.detector.engine import LiteRtDetector
from services.encoder.own import open_encoder
from services.ingest.extraction import maker_of
from services.standalone.compose import compose
from services.standalone.feeds import open_feed
from services.standalone.imports import answers
from services.standalone.server import RemoteShop
from services.standalone.settings import StandaloneSettings
from shoplens import metrics
from shoplens.api.catalogue.v1 import catalogue_pb2
from shoplens.cores import Cores
from shoplens.feature_store import FeatureStore
from shoplens.model_store import model_folder
from shoplens.rpc.convert.index import unpack_indexed_region
from shoplens.testing.pictures import png
from tools.stack.system import System

PICTURES = 90
PATIENCE_S = 300
MAKER = maker_of(LiteRtDetector(model_folder("detector"), Cores(1)), open_encoder(None, Cores(1)))
SIGNATURES = Signer.load(model_folder("copies"), Cores(1)).maker

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, one of which is broken."""
    folder = tmp_path_factory.mktemp("feed")
    for number in range(PICTURES):
        (folder / f"{number:03}.png").write_bytes(png(number))
    (folder / "broken.png").write_bytes(png(1)[:40])
    return folder


def command(feed: Path, features: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "services.standalone.cli", "compute", str(feed), "--features", str(features), "--json", *more]


def compute(feed: Path, features: Path, *more: str) -> dict[str, object]:
    done = subprocess.run(command(feed, features, *more), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1, done.stderr  # the broken one
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def computed(feed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    features = tmp_path_factory.mktemp("features")
    told = compute(feed, features)
    assert (told["computed"], told["known"]) == (PICTURES, 0)
    (failure,) = told["failed"]  # type: ignore[misc]  # a list of one
    assert failure["product_id"] == "broken"
    assert compute(feed, features)["known"] == PICTURES
    return features


def vectors(features: Path) -> dict[str, list[np.ndarray]]:
    found = {}
    for name, message in FeatureStore(features).rows(MAKER):
        regions = catalogue_pb2.IndexedImage.FromString(message).regions
        found[name] = [unpack_indexed_region(region).features.embedding for region in regions]
    return found


def same(one: Path, other: Path) -> None:
    ours, theirs = vectors(one), vectors(other)
    assert ours.keys() == theirs.keys()
    for name, regions in ours.items():
        np.testing.assert_allclose(regions, theirs[name], atol=1e-5)
    assert signatures(one) == signatures(other)


def signatures(features: Path) -> dict[str, bytes]:
    found = dict(FeatureStore(features).rows(SIGNATURES))
    assert len(found) == PICTURES
    return found


def known(features: Path) -> int:
    """Pictures of which everything is there."""
    store = FeatureStore(features)
    return len(store.known(MAKER) & store.known(SIGNATURES))


@pytest.fixture
def java() -> None:
    if shutil.which("java") is None:
        if os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail("REQUIRE_ALL=1, and there is no Java; make system installs it")
        pytest.skip("Spark needs Java; make system installs it")


@pytest.mark.usefixtures("java")
def test_spark_finds_the_same_near_duplicates(tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    for number in range(20):
        image = Image.open(BytesIO(png(number))).convert("RGB").resize((300, 400))
        image.save(folder / f"{number:02}.png")
        if number % 4 == 0:
            image.save(folder / f"{number:02} saved.jpg", quality=30)
        if number % 8 == 0:
            ImageOps.mirror(image).save(folder / f"{number:02} mirrored.png")
    shutil.copy(folder / "03.png", folder / "03 again.png")
    expected = [{"00", "00 saved", "00 mirrored"}, {"03", "03 again"}, {"04", "04 saved"}, {"08", "08 saved", "08 mirrored"}]
    expected += [{"12", "12 saved"}, {"16", "16 saved", "16 mirrored"}]
    for more in ((), ("--spark", "local[2]")):
        features = tmp_path / f"features{len(more)}"
        call = [sys.executable, "-m", "services.standalone.cli", "duplicates", str(folder), "--features", str(features), "--json"]
        done = subprocess.run([*call, *more], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        found = [{each["product_id"] for each in group} for group in json.loads(done.stdout)["groups"]]
        assert sorted(found, key=min) == sorted(expected, key=min)


@pytest.mark.usefixtures("java")
def test_spark_computes_the_same(feed: Path, computed: Path, tmp_path: Path) -> None:
    told = compute(feed, tmp_path, "--spark", "local[2]")
    assert (told["computed"], told["known"]) == (PICTURES, 0)
    same(computed, tmp_path)
    assert compute(feed, tmp_path, "--spark", "local[2]")["known"] == PICTURES


@pytest.mark.usefixtures("java")
def test_what_is_submitted_to_spark_runs_where_spark_was_told_to(feed: Path, computed: Path, tmp_path: Path) -> None:
    """As an operator starts it on Kubernetes: the master is not ours to name."""
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local[2]", "--conf", "spark.driver.host=127.0.0.1"]
    _, _, module, *arguments = command(feed, tmp_path, "--spark", "submitted")
    script = str(Path(__file__).parents[2] / module.replace(".", "/")) + ".py"
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run([*submit, script, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment)
    assert done.returncode == 1, done.stderr  # the broken one
    # What Python warns of comes the same way: Spark joins both streams of its driver.
    assert json.loads(done.stdout.splitlines()[-1])["computed"] == PICTURES
    same(computed, tmp_path)


def test_killed_again_and_again_it_ends_where_an_undisturbed_run_does(feed: Path, computed: Path, tmp_path: Path) -> None:
    seen = 0
    for _ in range(5):
        process = subprocess.Popen(command(feed, tmp_path, "--chunk", "8"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while process.poll() is None and known(tmp_path) <= seen:
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen = known(tmp_path)
    assert 0 < seen < PICTURES
    told = compute(feed, tmp_path)
    assert told["computed"] == PICTURES - seen
    same(computed, tmp_path)


def test_an_import_with_features_runs_no_model(feed: Path, computed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Signer, "sign", lambda *_: pytest.fail("a signature was made that is there"))
    with compose(StandaloneSettings(data=tmp_path, features=computed)) as parts:
        before = metrics.PICTURES_COMPUTED.labels(source="computed")._value.get()
        failed = [answer for answer in answers(open_feed(feed).rows(), parts.ingest.put_many) if answer.error]
        assert [answer.product_id for answer in failed] == ["broken"]
        assert parts.catalogue.status().products == PICTURES
        assert metrics.PICTURES_COMPUTED.labels(source="computed")._value.get() == before


def test_services_use_what_was_computed(feed: Path, computed: Path, tmp_path: Path) -> None:
    """A generation of services that a batch filled the folder for computes nothing again."""
    environment = {"SHOPLENS_INGEST_COMPUTED": str(computed), "SHOPLENS_COPIES_COMPUTED": str(computed)}
    with System(tmp_path, environment=environment) as system:
        system.wait_until_ready()
        with RemoteShop(system.address) as shop:
            failed = [answer for answer in answers(open_feed(feed).rows(), shop.put_many) if answer.error]
            assert [answer.product_id for answer in failed] == ["broken"]
        assert counted(system, "ingest", "shoplens_pictures_computed_total") == {"known": PICTURES}
        until = time.monotonic() + PATIENCE_S
        # Ingest may have found the finder of copies busy: then it catches up with the catalogue.
        while (signed := counted(system, "copies", "shoplens_signatures_total")) != {"known": PICTURES}:
            assert not signed.get("computed"), signed
            assert time.monotonic() < until, signed
            time.sleep(0.2)


def counted(system: System, service: str, name: str) -> dict[str, int]:
    """What a counter says by its label, of what it counted."""
    answer = httpx.get(f"http://{system.metrics(service)}/metrics", timeout=PATIENCE_S, trust_env=False)
    families = text_string_to_metric_families(answer.raise_for_status().text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {"/".join(sample.labels.values()): int(sample.value) for sample in samples if sample.value}
