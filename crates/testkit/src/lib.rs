//! Real engines for tests: PostgreSQL clusters, folders, ports.
