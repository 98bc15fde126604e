//! The closed and half-open word lists of the specification.

use serde::{Deserialize, Serialize};

/// `@context` of a document. Presentation API 3.0 §4.6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Context {
    /// One context.
    One(String),
    /// Contexts of extensions, and the Presentation API's own as the last.
    Many(Vec<serde_json::Value>),
}

impl Context {
    /// The context of the Presentation API 3.0, alone.
    pub fn presentation_3() -> Self {
        Self::One(super::Version::V3.context().to_owned())
    }
}

/// `viewingDirection`. §3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewingDirection {
    /// Pages follow to the right; what a client assumes when nothing is said.
    LeftToRight,
    /// Pages follow to the left.
    RightToLeft,
    /// Pages follow downwards.
    TopToBottom,
    /// Pages follow upwards.
    BottomToTop,
}

/// `behavior`: how the publisher would like a resource to be shown. §3.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behavior {
    /// Go on to the next canvas when a timed one ends.
    AutoAdvance,
    /// Stop when a timed canvas ends.
    NoAutoAdvance,
    /// Begin again after the last.
    Repeat,
    /// Stop after the last.
    NoRepeat,
    /// No inherent order.
    Unordered,
    /// Each canvas is a view of its own.
    Individuals,
    /// Canvases are parts of one long view.
    Continuous,
    /// Canvases are pages that turn.
    Paged,
    /// A canvas that shows both pages of an opening.
    FacingPages,
    /// A canvas that does not take part in turning pages.
    NonPaged,
    /// Parts of one logical object, such as volumes.
    MultiPart,
    /// Show all children at once.
    Together,
    /// A range that is another order of the canvases.
    Sequence,
    /// A range for navigation by thumbnails.
    ThumbnailNav,
    /// A range that navigation leaves out.
    NoNav,
    /// Not shown until asked for.
    Hidden,
    /// A value of an extension.
    #[serde(untagged)]
    Other(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_specification_and_unknown_behaviors_stay() {
        for (behavior, word) in [
            (Behavior::Paged, "paged"),
            (Behavior::NoAutoAdvance, "no-auto-advance"),
            (Behavior::FacingPages, "facing-pages"),
            (Behavior::ThumbnailNav, "thumbnail-nav"),
            (Behavior::Other("info-open".into()), "info-open"),
        ] {
            assert_eq!(serde_json::to_value(&behavior).unwrap(), word);
            assert_eq!(serde_json::from_value::<Behavior>(word.into()).unwrap(), behavior, "{word}");
        }
        assert_eq!(serde_json::to_value(ViewingDirection::RightToLeft).unwrap(), "right-to-left");
    }
}
