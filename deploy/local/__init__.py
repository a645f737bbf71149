"""The embedded stack: real PostgreSQL, Kafka and Temporal and the processes of the product, on one machine, without Docker or root."""
