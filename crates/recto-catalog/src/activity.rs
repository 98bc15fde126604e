//! The log of what happened to published things. Change Discovery 1.0 §2.2.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityKind {
    /// It is published from now on.
    Create,
    /// It was changed.
    Update,
    /// It is no longer published.
    Delete,
    /// It is called something else from now on.
    Move,
}

impl ActivityKind {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Create => 0,
            Self::Update => 1,
            Self::Delete => 2,
            Self::Move => 3,
        }
    }

    pub(crate) const fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Create,
            2 => Self::Delete,
            3 => Self::Move,
            _ => Self::Update,
        }
    }

    /// The `type` of the activity.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
            Self::Move => "Move",
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its place in the log, from 1, without gaps.
    pub sequence: u64,
    /// When it ended, in milliseconds since 1970; never less than that of the entry before.
    pub at_ms: i64,
    /// What happened.
    pub kind: ActivityKind,
    /// What it happened to: `Manifest` or `Collection`.
    pub item: crate::ItemKind,
    /// The identifier; for a move, the one before.
    pub identifier: String,
    /// For a move, the identifier from then on.
    pub target: Option<String>,
}
