//! recto-ingest.
