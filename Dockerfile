# syntax=docker/dockerfile:1
# One image a service, all of the same layers: `docker build --target gateway .`, or `make images` for all.
# The build needs a compiler-free Python only; what runs has neither pip's cache nor the sources, and is not root.

# Name the bases by digest where images are released: --build-arg PYTHON_IMAGE=python@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG SPARK_IMAGE=apache/spark:4.3.0

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/shoplens
# The dependencies first: they change less often than the code.
COPY requirements/serving.txt /src/requirements/serving.txt
RUN /opt/shoplens/bin/pip install --require-hashes --requirement /src/requirements/serving.txt
COPY . /src
RUN /opt/shoplens/bin/pip install --no-deps /src \
    && /opt/shoplens/bin/python -m compileall -q /opt/shoplens/lib

FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="shoplens" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Visual product search that a shop runs itself"
# libgomp1: LightGBM, where a learned ranker serves.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 shoplens \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home shoplens \
    && install --directory --owner 10001 --group 10001 /data
COPY --from=build /opt/shoplens /opt/shoplens
ENV PATH=/opt/shoplens/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /data
VOLUME /data
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

# A whole catalogue at once, on Spark: the driver and the executors that an operator starts. Spark itself comes with pyspark.
FROM ${SPARK_IMAGE} AS spark

FROM build AS build-batch
COPY requirements/batch.txt /src/requirements/batch.txt
RUN /opt/shoplens/bin/pip install --require-hashes --requirement /src/requirements/batch.txt

FROM runtime AS batch
USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless procps tini \
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001
COPY --from=build-batch /opt/shoplens /opt/shoplens
COPY --from=spark /opt/entrypoint.sh /opt/entrypoint.sh
ENV SPARK_HOME=/opt/shoplens/lib/python3.11/site-packages/pyspark \
    PYSPARK_PYTHON=/opt/shoplens/bin/python \
    PYSPARK_DRIVER_PYTHON=/opt/shoplens/bin/python \
    JAVA_HOME=/usr/lib/jvm/default-java
ENTRYPOINT ["/opt/entrypoint.sh"]

# Everything in one process, for a small shop and for development.
FROM runtime AS standalone
EXPOSE 8080
ENTRYPOINT ["shoplens"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data", "--catalogue", "none", "--open"]
