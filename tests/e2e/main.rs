//! Black-box tests: the real program on a port of its own, asked over HTTP, judged by status, headers and pixels.

mod http_rules;
mod identifiers;
mod limits;
mod support;
