//! HTTP: routes, headers, conditional requests, limits, pages. No SQL, no pixels, no file formats.
//!
//! [`App`] answers one request; [`Server`] is the accept loop around it.

#![forbid(unsafe_code)]

mod app;
mod base;
mod conditional;
mod deadline;
mod front;
mod options;
pub mod pages;
mod pieces;
mod problem;
mod reply;
mod routes;
mod serve;

pub use app::App;
pub use options::{OptionError, ServerOptions};
pub use serve::Server;
