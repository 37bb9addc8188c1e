//! JSON routes, OpenAPI, ingest doors, feeds, listeners.
