//! What a word is, and when two are the same.
//!
//! [`pieces`] divides text into what has a position; [`fold`] makes of a piece the term under which it is found. Neither depends on
//! a language, so that a query means the same everywhere. [`Analysis`] adds the stem where the language is known.

mod fold;
mod segment;
mod stem;

pub use fold::fold;
pub use segment::{Piece, pieces};
pub(crate) use segment::{Positions, is_mark, is_unsegmented};
pub use stem::{Analysis, StemLanguage};
