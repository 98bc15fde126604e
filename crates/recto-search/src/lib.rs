//! Matching text: what a word is, blobs of pages and indexes, queries, and hits with their places.
//!
//! Everything is pure: callers store the blobs where they like and hand them back.
//!
//! 1. [`page::encode`] makes a blob of a page's text; [`page::Page::decode`] reads it.
//! 2. [`index::IndexBuilder`] makes one index of all pages of an object; [`index::Index::open`] reads it without copying.
//! 3. [`query::Query::parse`] understands what people type; [`search::find`] gives all matches, [`search::locate`] the hits of
//!    some of them with text and places, [`search::complete`] terms that begin so.
//! 4. [`coarse::Shard`] says which of up to 128 objects have a term at all.
//!
//! A *position* is the ordinal of a piece of text in an object: a word, a part of a word between apostrophes or hyphens, or a
//! character of a script that is written without spaces. Positions run on over lines and pages, so that a phrase does, too.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod coarse;
mod error;
mod head;
pub mod index;
mod layout;
pub mod lines;
pub mod page;
pub mod query;
pub mod search;
mod varint;

pub use error::SearchError;
