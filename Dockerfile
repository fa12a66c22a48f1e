# syntax=docker/dockerfile:1
# One image a service, all of the same layers: `docker build --target gateway .`, or `make images` for all.
# What runs is not root, and its environment has no compiler, no pip and no sources. A new version of the code is a layer of 50 MB over its dependencies.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PYTHON=/opt/shoplens/bin/python
RUN python -m venv --without-pip /opt/shoplens
COPY requirements/serving.txt /src/requirements/serving.txt
RUN python -m pip install --require-hashes --requirement /src/requirements/serving.txt

FROM dependencies AS package
COPY . /src
RUN python -m pip install --no-deps --prefix /opt/package /src

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.title="shoplens" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Visual product search that a shop runs itself"
# libgomp1: LightGBM, where a learned ranker serves.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin \
    && groupadd --gid 10001 shoplens \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home shoplens \
    && install --directory --owner 10001 --group 10001 /data
ENV PATH=/opt/shoplens/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /data
VOLUME /data

FROM base AS runtime
COPY --from=dependencies /opt/shoplens /opt/shoplens
COPY --from=package /opt/package /opt/shoplens
USER 10001:10001

FROM runtime AS detector
ENV SHOPLENS_DETECTOR_HOST=0.0.0.0 SHOPLENS_DETECTOR_METRICS_PORT=9090
EXPOSE 50051 9090
ENTRYPOINT ["python", "-m", "services.detector"]

FROM runtime AS encoder
ENV SHOPLENS_ENCODER_HOST=0.0.0.0 SHOPLENS_ENCODER_METRICS_PORT=9090
EXPOSE 50052 9090
ENTRYPOINT ["python", "-m", "services.encoder"]

FROM runtime AS catalogue
ENV SHOPLENS_CATALOGUE_HOST=0.0.0.0 SHOPLENS_CATALOGUE_METRICS_PORT=9090
EXPOSE 50053 9090
ENTRYPOINT ["python", "-m", "services.catalogue"]

FROM runtime AS ranker
ENV SHOPLENS_RANKER_HOST=0.0.0.0 SHOPLENS_RANKER_METRICS_PORT=9090
EXPOSE 50054 9090
ENTRYPOINT ["python", "-m", "services.ranker"]

FROM runtime AS ingest
ENV SHOPLENS_INGEST_HOST=0.0.0.0 SHOPLENS_INGEST_METRICS_PORT=9090
EXPOSE 50055 9090
ENTRYPOINT ["python", "-m", "services.ingest"]

FROM runtime AS copies
ENV SHOPLENS_COPIES_HOST=0.0.0.0 SHOPLENS_COPIES_METRICS_PORT=9090
EXPOSE 50057 9090
ENTRYPOINT ["python", "-m", "services.copies"]

FROM runtime AS gateway
ENV SHOPLENS_GATEWAY_HOST=0.0.0.0
EXPOSE 8080 50056
ENTRYPOINT ["python", "-m", "services.gateway"]

# The encoder for a network of the shop's own in ONNX, on a graphics card (docs/encoder.md).
FROM dependencies AS gpu-dependencies
COPY requirements/gpu.txt /src/requirements/gpu.txt
RUN python -m pip install --require-hashes --requirement /src/requirements/gpu.txt

FROM base AS encoder-gpu
COPY --from=gpu-dependencies /opt/shoplens /opt/shoplens
COPY --from=package /opt/package /opt/shoplens
USER 10001:10001
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENV SHOPLENS_ENCODER_HOST=0.0.0.0 SHOPLENS_ENCODER_METRICS_PORT=9090
EXPOSE 50052 9090
ENTRYPOINT ["python", "-m", "services.encoder"]

# A whole catalogue at once, on Spark: the driver and the executors that an operator starts. Spark itself comes with pyspark.
FROM dependencies AS batch-dependencies
COPY requirements/batch.txt /src/requirements/batch.txt
RUN python -m pip install --require-hashes --requirement /src/requirements/batch.txt

FROM base AS batch
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless procps tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
COPY --from=batch-dependencies /opt/shoplens /opt/shoplens
COPY --from=package /opt/package /opt/shoplens
COPY deploy/spark/entrypoint.sh /opt/entrypoint.sh
ENV SPARK_HOME=/opt/shoplens/lib/python3.11/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/shoplens/bin/python \
    PYSPARK_DRIVER_PYTHON=/opt/shoplens/bin/python \
    JAVA_HOME=/usr/lib/jvm/default-java
USER 10001:10001
ENTRYPOINT ["/opt/entrypoint.sh"]

# Everything in one process, for a small shop and for development.
FROM runtime AS standalone
EXPOSE 8080
ENTRYPOINT ["shoplens"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data", "--catalogue", "none", "--open"]
