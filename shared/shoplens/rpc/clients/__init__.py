"""The ports over gRPC: each client implements one, and raises the very errors that the engine behind it raised.

A call takes the time that :mod:`shoplens.deadlines` leaves it, or its own usual time where nobody set a deadline.
"""

from shoplens.rpc.clients.catalogue import CatalogueClient
from shoplens.rpc.clients.client import Client
from shoplens.rpc.clients.copies import CopiesClient
from shoplens.rpc.clients.detector import DetectorClient
from shoplens.rpc.clients.encoder import EncoderClient
from shoplens.rpc.clients.ingest import IngestClient
from shoplens.rpc.clients.ranker import RankerClient
from shoplens.rpc.clients.search import SearchClient

__all__ = [
    "CatalogueClient",
    "Client",
    "CopiesClient",
    "DetectorClient",
    "EncoderClient",
    "IngestClient",
    "RankerClient",
    "SearchClient",
]
