"""The dashboards, as somebody reads them at night: is it well, where does it hurt, since when."""

from __future__ import annotations

from tools.observability.panels import Dashboard, Panel, Query


def _share(part: str, whole: str) -> str:
    return f"sum(rate({part}[5m])) / sum(rate({whole}[5m]))"


def _quantile(share: float, metric: str, selector: str = "", by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{selector}}}[5m])))"


def _seen(outcome: str) -> str:
    return f'shoplens_cache_requests_total{{service="$service",cache=~"regions|features|sights",outcome=~"{outcome}"}}'


_SEARCH = 'route="/v1/search"'
_API = 'route=~"/v1/.*"'
_ASKED = f"shoplens_http_seconds_count{{{_API}}}"
_FAILED = f'shoplens_http_seconds_count{{{_API},status=~"5.."}}'

OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Is it well? The first row answers; the others say where to look.",
    {
        "Shoppers": [
            Panel(
                "Answered well",
                [Query(f"1 - (sum(rate({_FAILED}[5m])) or vector(0)) / sum(rate({_ASKED}[5m]))")],
                "Share of requests that did not fail for a reason of ours. 99.9 % is promised.",
                "percentunit",
                "stat",
                good_above=0.999,
            ),
            Panel(
                "Camera search, p99",
                [Query(_quantile(0.99, "shoplens_http_seconds", _SEARCH))],
                "One in a hundred takes longer.",
                "s",
                "stat",
                good_below=1.0,
            ),
            Panel(
                "Searches a second", [Query("sum(rate(shoplens_searches_total[5m]))")], "As answered, over HTTP and gRPC.", "reqps", "stat"
            ),
            Panel(
                "Pictures that can be found",
                [Query("max(shoplens_index_items)")],
                "The size of the catalogue.",
                "short",
                "stat",
                good_above=1,
            ),
        ],
        "Traffic": [
            Panel(
                "Requests by route",
                [Query(f"sum by (route) (rate(shoplens_http_seconds_count{{{_API}}}[5m]))", "{{route}}")],
                "What is asked.",
                "reqps",
            ),
            Panel(
                "Failures",
                [
                    Query(
                        f'sum by (route, status) (rate(shoplens_http_seconds_count{{{_API},status=~"[45].."}}[5m]))', "{{status}} {{route}}"
                    )
                ],
                "4xx is the client's, 5xx ours.",
                "reqps",
            ),
            Panel(
                "Camera search",
                [Query(_quantile(q, "shoplens_http_seconds", _SEARCH), f"p{round(q * 100)}") for q in (0.5, 0.9, 0.99)],
                "From the request's first byte to the answer's.",
                "s",
            ),
        ],
        "Where the time goes": [
            Panel(
                "Stages of a search, p50",
                [Query(_quantile(0.5, "shoplens_search_stage_seconds", by="stage"), "{{stage}}")],
                "detect, encode, search, copies, rank.",
                "s",
            ),
            Panel(
                "Calls between services, p99",
                [Query(_quantile(0.99, "shoplens_rpc_seconds", by="method"), "{{method}}")],
                "As the called service measured it.",
                "s",
            ),
            Panel(
                "In flight",
                [Query("sum by (service) (shoplens_rpc_in_flight)", "{{service}}")],
                "Calls being handled; at max_in_flight (16) more are turned away.",
                "short",
            ),
            Panel(
                "Turned away",
                [Query("sum by (service, method) (rate(shoplens_rpc_shed_total[5m]))", "{{service}} {{method}}")],
                "A service has too much to do.",
                "reqps",
                good_below=0.5,
            ),
            Panel(
                "Not asked",
                [Query("sum by (service, part) (rate(shoplens_calls_refused_total[5m]))", "{{service}} of {{part}}")],
                "Calls not made: the part did not answer several times in a row, and is left alone for two seconds each time.",
                "reqps",
                good_below=0.5,
            ),
        ],
    },
)

QUALITY = Dashboard(
    "quality",
    "Search quality",
    "Does it find? And what do shoppers make of it?",
    {
        "What searches find": [
            Panel(
                "Verdicts",
                [Query("sum by (verdict) (rate(shoplens_searches_total[5m]))", "{{verdict}}")],
                "What the best result is to the photo.",
                "reqps",
            ),
            Panel(
                "Answered without a part",
                [Query("sum by (lacking) (rate(shoplens_searches_degraded_total[5m]))", "{{lacking}}")],
                "Whole photos instead of regions, looks instead of a ranking, no copies, or what the photo found before: a part is away.",
                "reqps",
                good_below=0.1,
            ),
            Panel(
                "Nothing alike",
                [Query(_share('shoplens_searches_total{verdict="no_match"}', "shoplens_searches_total"))],
                "A rise says: a new kind of photo, a shrunken catalogue, or a wrong model.",
                "percentunit",
            ),
            Panel(
                "Recall of the index",
                [Query("sum(rate(shoplens_index_recall_sum[1h])) / sum(rate(shoplens_index_recall_count[1h]))")],
                "Of the ten nearest, how many searches find, measured on shoppers' own. An embedded index is exact and silent here.",
                "percentunit",
            ),
        ],
        "What shoppers do": [
            Panel(
                "Reactions",
                [Query("sum by (action) (rate(shoplens_feedback_total[5m]))", "{{action}}")],
                "Clicks, baskets, purchases.",
                "reqps",
            ),
            Panel(
                "Clicks a search",
                [Query(_share('shoplens_feedback_total{action="click"}', "shoplens_searches_total"))],
                "The plainest measure of a good order.",
                "short",
            ),
            Panel(
                "Not kept",
                [Query("sum(rate(shoplens_feedback_lost_total[5m]))")],
                "Searches that nothing can be learned from.",
                "reqps",
                good_below=0.1,
            ),
        ],
        "The ranking": [
            Panel(
                "Weights in force",
                [Query("max by (instance) (shoplens_weights_version)", "{{instance}}")],
                "All rankers should say the same version.",
                "short",
            ),
            Panel(
                "Weights refused",
                [Query("sum(increase(shoplens_weights_refused_total[1h]))")],
                "Versions that made no sense.",
                "short",
                "stat",
                good_below=1,
            ),
        ],
    },
)

FRESHNESS = Dashboard(
    "freshness",
    "Freshness",
    "How long a change of the catalogue takes to be found, and what stands in its way.",
    {
        "A new model": [
            Panel(
                "Products that differ",
                [Query("max(shoplens_migration_differences)")],
                "What the last pass over both generations found; 0 says that they are in step.",
                "short",
            ),
            Panel(
                "Writes that failed beside",
                [Query("sum by (reason) (rate(shoplens_mirror_failures_total[5m]))", "{{reason}}")],
                "Into the generation that does not answer; the next pass mends them.",
                "ops",
            ),
        ],
        "From told to found": [
            Panel(
                "By operation, p99",
                [Query(_quantile(0.99, "shoplens_update_seconds", by="operation"), "{{operation}}")],
                "A second is promised for prices and stock.",
                "s",
                good_below=1.0,
            ),
            Panel(
                "By operation, p50",
                [Query(_quantile(0.5, "shoplens_update_seconds", by="operation"), "{{operation}}")],
                "The usual case.",
                "s",
            ),
            Panel("Oldest that waits", [Query("max(shoplens_updates_oldest_seconds)")], "Read, and not yet in effect.", "s"),
        ],
        "The stream": [
            Panel(
                "Events",
                [Query("sum by (operation, outcome) (rate(shoplens_updates_total[5m]))", "{{operation}} {{outcome}}")],
                "Unchanged ones had come before.",
                "ops",
            ),
            Panel("Behind", [Query("sum by (log) (shoplens_updates_behind)", "{{log}}")], "Told and not yet read.", "short"),
            Panel("Waiting", [Query("sum(shoplens_updates_waiting)")], "Read and not yet in effect; bounded.", "short"),
            Panel(
                "Held up",
                [Query("max(shoplens_updates_held_up)")],
                "1 while a part that is away is waited for.",
                "short",
                "stat",
                good_below=1,
            ),
        ],
        "What cannot be applied": [
            Panel(
                "Dead letters",
                [Query("sum by (reason) (increase(shoplens_updates_dead_total[1h]))", "{{reason}}")],
                "`shoplens dead list` shows them.",
                "short",
            ),
            Panel(
                "Pictures fetched",
                [Query("sum by (outcome) (rate(shoplens_pictures_fetched_total[5m]))", "{{outcome}}")],
                "By address.",
                "ops",
            ),
        ],
        "Work saved": [
            Panel(
                "Pictures computed and known",
                [Query("sum by (source) (rate(shoplens_pictures_computed_total[5m]))", "{{source}}")],
                "A re-priced product runs no model.",
                "ops",
            ),
            Panel(
                "Cache",
                [Query("sum by (cache, outcome) (rate(shoplens_cache_requests_total[5m]))", "{{cache}} {{outcome}}")],
                "Away costs time, not answers.",
                "reqps",
            ),
            Panel(
                "Writes",
                [Query("sum by (operation, outcome) (rate(shoplens_products_written_total[5m]))", "{{operation}} {{outcome}}")],
                "To the catalogue, by whatever way.",
                "ops",
            ),
        ],
    },
)

COPIES = Dashboard(
    "copies",
    "Copies",
    "Edited copies: what is asked, what is found, what is still to be linked.",
    {
        "Asked and found": [
            Panel(
                "Searches for copies",
                [Query("sum by (found) (rate(shoplens_copy_searches_total[5m]))", "found: {{found}}")],
                "By whether one was found.",
                "reqps",
            ),
            Panel(
                "Time",
                [Query(_quantile(q, "shoplens_http_seconds", 'route="/v1/copies"'), f"p{round(q * 100)}") for q in (0.5, 0.95)],
                "95 in 100 within 150 ms is the aim.",
                "s",
            ),
        ],
        "Behind the scenes": [
            Panel(
                "Still to be linked",
                [Query("max(shoplens_copies_unlinked)")],
                "Known pictures whose copies are looked for in the background.",
                "short",
            ),
            Panel(
                "Pictures made known",
                [Query("sum by (source) (rate(shoplens_signatures_total[5m]))", "{{source}}")],
                "Computed here, or known from batch work.",
                "ops",
            ),
            Panel(
                "Searches without it",
                [Query('sum(rate(shoplens_searches_degraded_total{lacking="copies"}[5m]))')],
                "Product searches that went without what is known of copies.",
                "reqps",
                good_below=0.1,
            ),
        ],
    },
)

SERVICE = Dashboard(
    "service",
    "A service",
    "One service from near by.",
    {
        "Calls": [
            Panel(
                "Calls",
                [Query('sum by (method, code) (rate(shoplens_rpc_seconds_count{service="$service"}[5m]))', "{{method}} {{code}}")],
                "By method and status.",
                "reqps",
            ),
            Panel(
                "Time, p50 and p99",
                [
                    Query(_quantile(q, "shoplens_rpc_seconds", 'service="$service"', "method"), f"{{{{method}}}} p{round(q * 100)}")
                    for q in (0.5, 0.99)
                ],
                "As it measured itself.",
                "s",
            ),
            Panel(
                "Decoders lost",
                [Query('sum(increase(shoplens_decoders_lost_total{service="$service"}[1h]))')],
                "Processes that died of a picture, or took too long for one: somebody sends what no camera makes.",
                "short",
                good_below=1,
            ),
            Panel(
                "In flight, turned away",
                [
                    Query('sum(shoplens_rpc_in_flight{service="$service"})', "in flight"),
                    Query('sum(rate(shoplens_rpc_shed_total{service="$service"}[5m]))', "turned away"),
                ],
                "The queue is short on purpose.",
                "short",
            ),
        ],
        "Inference": [
            Panel(
                "Waiting for a core",
                [Query('sum(shoplens_inference_waiting{service="$service"})')],
                "Crops and photos in the queue before the models; shoppers go first.",
                "short",
            ),
            Panel(
                "Time in the queue",
                [Query(_quantile(q, "shoplens_inference_wait_seconds", 'service="$service"'), f"p{round(q * 100)}") for q in (0.5, 0.99)],
                "Long for hours: more replicas.",
                "s",
            ),
            Panel(
                "Dropped before inference",
                [Query('sum(rate(shoplens_inference_dropped_total{service="$service"}[5m]))')],
                "Nobody waited for them any more.",
                "reqps",
                good_below=0.1,
            ),
            Panel(
                "Photos seen before",
                [Query(f"sum by (cache) (rate({_seen('hit')}[5m])) / sum by (cache) (rate({_seen('hit|miss')}[5m]))", "{{cache}}")],
                "Share of what the gateway had not to ask the models or the catalogue again.",
                "percentunit",
            ),
        ],
        "The process": [
            Panel(
                "Processor",
                [Query('sum by (instance) (rate(process_cpu_seconds_total{service="$service"}[5m]))', "{{instance}}")],
                "Cores in use.",
                "short",
            ),
            Panel("Memory", [Query('process_resident_memory_bytes{service="$service"}', "{{instance}}")], "Resident.", "bytes"),
            Panel("Open files", [Query('process_open_fds{service="$service"}', "{{instance}}")], "A steady rise is a leak.", "short"),
            Panel("Up", [Query('up{service="$service"}', "{{instance}}")], "1 while Prometheus reaches it.", "short", good_above=1),
        ],
    },
    {"service": "up"},
)

DASHBOARDS = (OVERVIEW, QUALITY, FRESHNESS, COPIES, SERVICE)
