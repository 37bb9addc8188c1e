//! The zh-TW and English catalogue.
