"""The catalogue: products, their pictures and their vectors, kept in Milvus. The only part that speaks to it."""
