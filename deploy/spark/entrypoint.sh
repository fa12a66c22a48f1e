#!/bin/bash
# What Spark starts on Kubernetes: `driver` with the arguments of spark-submit, or `executor`, whose driver, name and size it says
# in the environment (Spark's page "Running on Kubernetes"). Anything else is run as it stands.
set -euo pipefail

part=${1:?driver, executor, or a command}
case "$part" in
  driver)
    shift
    set -- "$SPARK_HOME/bin/spark-submit" --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" --deploy-mode client "$@"
    ;;
  executor)
    options=()
    while name=SPARK_JAVA_OPT_${#options[@]} && [[ -v $name ]]; do options+=("${!name}"); done
    set -- "$JAVA_HOME/bin/java" "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
      -cp "${SPARK_CONF_DIR:-$SPARK_HOME/conf}:${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
      --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" --podName "$SPARK_EXECUTOR_POD_NAME" \
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID"
    ;;
esac
# A worker in Python leaves orphans where it is killed; tini takes them in.
exec tini -s -- "$@"
