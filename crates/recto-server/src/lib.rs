//! recto-server.
