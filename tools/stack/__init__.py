"""The whole system on one machine: a real Kafka, Redis and Milvus, and every service as its own process. For `make stack` and tests."""
