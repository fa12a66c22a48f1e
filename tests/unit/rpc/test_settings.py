"""Services find each other without a setting, on one machine."""

from __future__ import annotations

from services.catalogue.settings import CatalogueSettings
from services.detector.settings import DetectorSettings
from services.encoder.settings import EncoderSettings
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.ranker.settings import RankerSettings
from shoplens.rpc.settings import ServerSettings

SERVICES: dict[str, type[ServerSettings]] = {
    "catalogue": CatalogueSettings,
    "detector": DetectorSettings,
    "encoder": EncoderSettings,
    "gateway": GatewaySettings,
    "ingest": IngestSettings,
    "ranker": RankerSettings,
}
DEFAULTS = {name: {field: info.default for field, info in kind.model_fields.items()} for name, kind in SERVICES.items()}


def test_every_service_has_a_prefix_and_a_port_of_its_own() -> None:
    assert {kind.model_config["env_prefix"] for kind in SERVICES.values()} == {f"SHOPLENS_{name.upper()}_" for name in SERVICES}
    assert len({defaults["port"] for defaults in DEFAULTS.values()}) == len(SERVICES)


def test_addresses_are_where_the_others_listen() -> None:
    for defaults in DEFAULTS.values():
        for other in SERVICES.keys() & defaults.keys():
            assert defaults[other] == f"127.0.0.1:{DEFAULTS[other]['port']}"


def test_nobody_listens_to_the_world_unasked() -> None:
    assert {defaults["host"] for defaults in DEFAULTS.values()} == {"127.0.0.1"}
