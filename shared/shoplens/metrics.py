"""Every metric that shoplens exposes, declared in one place. Names follow Prometheus' conventions; units are in the names."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_SECONDS = Histogram("shoplens_rpc_seconds", "Time a gRPC handler took, by method and status code.", ("method", "code"), buckets=SECONDS)
RPC_IN_FLIGHT = Gauge("shoplens_rpc_in_flight", "gRPC calls being handled now.")
RPC_SHED = Counter("shoplens_rpc_shed_total", "gRPC calls turned away because too many were in flight.", ("method",))

HTTP_SECONDS = Histogram(
    "shoplens_http_seconds", "Time an HTTP request took, by route, method and status.", ("route", "method", "status"), buckets=SECONDS
)
SEARCH_STAGE_SECONDS = Histogram("shoplens_search_stage_seconds", "Time a stage of a search took.", ("stage",), buckets=SECONDS)
WEIGHTS_REFUSED = Counter("shoplens_weights_refused_total", "Versions of the ranking weights that made no sense and were passed over.")
SEARCHES = Counter("shoplens_searches_total", "Searches answered, by verdict.", ("verdict",))
SEARCHES_DEGRADED = Counter(
    "shoplens_searches_degraded_total",
    "Searches answered without something, because a part was away or slow: regions, copies, ranking or freshness.",
    ("lacking",),
)
CALLS_REFUSED = Counter("shoplens_calls_refused_total", "Calls not made, because the part did not answer the last times.", ("part",))
FEEDBACK = Counter("shoplens_feedback_total", "Reactions of shoppers to results, by action.", ("action",))
FEEDBACK_LOST = Counter("shoplens_feedback_lost_total", "Impressions that could not be kept; reactions are refused instead.")

PRODUCTS_WRITTEN = Counter(
    "shoplens_products_written_total", "Writes to the catalogue, by operation and outcome.", ("operation", "outcome")
)
INDEX_ITEMS = Gauge("shoplens_index_items", "Images that can be found, by the model of their index.", ("model",))
PICTURES_FETCHED = Counter("shoplens_pictures_fetched_total", "Pictures fetched by address, by outcome.", ("outcome",))
DECODERS_LOST = Counter("shoplens_decoders_lost_total", "Processes that died of a picture, or took too long for one, and were replaced.")
COPY_SEARCHES = Counter("shoplens_copy_searches_total", "Searches for copies answered, by whether one was found.", ("found",))
SIGNATURES = Counter(
    "shoplens_signatures_total",
    "Pictures made known to find their copies, by where their signatures come from: computed, or known.",
    ("source",),
)
COPIES_UNLINKED = Gauge("shoplens_copies_unlinked", "Pictures that are known but whose copies among the known are still to be looked for.")

MIRROR_FAILURES = Counter(
    "shoplens_mirror_failures_total",
    "Writes that failed in the generation beside, during a migration, by reason; mended later.",
    ("reason",),
)
MIGRATION_DIFFERENCES = Gauge("shoplens_migration_differences", "Products that the last pass over two generations found to differ.")

INDEX_RECALL = Histogram(
    "shoplens_index_recall",
    "Of the ten nearest regions, the share that a search found; one search in a hundred is asked again exhaustively.",
    buckets=(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
)

UPDATES = Counter(
    "shoplens_updates_total", "Events of the update stream by operation and outcome: applied, unchanged or dead.", ("operation", "outcome")
)
UPDATES_DEAD = Counter(
    "shoplens_updates_dead_total", "Events that cannot be applied, by reason; each is kept as a dead letter.", ("reason",)
)
UPDATE_SECONDS = Histogram(
    "shoplens_update_seconds", "Seconds from an event's time to its being searchable, by operation.", ("operation",), buckets=SECONDS
)
UPDATES_BEHIND = Gauge("shoplens_updates_behind", "Messages told and not yet read, by log: the consumer's lag.", ("log",))
UPDATES_WAITING = Gauge("shoplens_updates_waiting", "Events that were read and are not yet in effect.")
UPDATES_OLDEST_SECONDS = Gauge(
    "shoplens_updates_oldest_seconds", "Age of the oldest event that was read and is not yet in effect; 0 where none is."
)
UPDATES_HELD_UP = Gauge("shoplens_updates_held_up", "1 while the stream waits for a dependency that is away.")
PICTURES_COMPUTED = Counter(
    "shoplens_pictures_computed_total", "Pictures of products, by where their features come from: computed, or known.", ("source",)
)
CACHE_REQUESTS = Counter(
    "shoplens_cache_requests_total", "Questions to a cache, by cache and outcome: hit, miss or away.", ("cache", "outcome")
)
INFERENCE_WAITING = Gauge("shoplens_inference_waiting", "Batches that wait for a core.")
INFERENCE_WAIT_SECONDS = Histogram("shoplens_inference_wait_seconds", "Time a batch waited for a core.", buckets=SECONDS)
INFERENCE_DROPPED = Counter("shoplens_inference_dropped_total", "Batches dropped before inference, because nobody waited any more.")


@cache
def weights_version() -> Gauge:
    """Made where weights are in force: any other process would say 0, which means those that ship."""
    return Gauge("shoplens_weights_version", "The version of the ranking weights in force; 0 is what ships.")
