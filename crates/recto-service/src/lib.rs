//! recto-service.
