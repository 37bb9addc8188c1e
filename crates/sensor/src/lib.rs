//! Sensor fleet and attack history: sessions, classes, campaigns, noise, scores.
