//! Black-box tests: the real program on a port of its own, asked over HTTP, judged by status, headers and pixels.

#![cfg(test)]

mod afar;
mod annotations;
mod beside;
mod books;
mod caches;
mod connections;
mod convert;
mod depth;
mod described;
mod elsewhere;
mod formats;
mod http_rules;
mod identifiers;
mod imports;
mod institutions;
mod limits;
mod objects;
mod openings;
mod overload;
mod pixels;
mod proxies;
mod pyramids;
mod real_files;
mod real_texts;
mod robustness;
mod search;
mod search_rules;
mod static_tiles;
mod support;
mod tiles;
mod upright;
mod validate;
