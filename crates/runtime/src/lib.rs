//! Supervisor, clean stop, configuration tree, logs, metrics.
