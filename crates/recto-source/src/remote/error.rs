//! Why an original cannot be fetched.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use recto_config::ByteSize;
use recto_iiif::ErrorKind;

/// Why nothing can be fetched at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// A prefix is no place that something could be fetched from.
    #[error(
        "`{}` in `source.remote.prefixes` names no place to fetch from: {rule}; write it like `https://images.example.org/masters/`",
        super::address::shown(.prefix)
    )]
    Prefix {
        /// As it was given.
        prefix: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The folder for fetched files cannot be used.
    #[error("the folder `{}` cannot keep what is fetched", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl RemoteError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Prefix { .. } => ErrorKind::Malformed,
            Self::Folder { .. } => ErrorKind::Forbidden,
        }
    }
}

/// Why one original could not be fetched. No message holds the query of a URL, or where a redirect leads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The origin does not give it to us.
    #[error("its origin refuses it with {status}")]
    Refused {
        /// The status: 401, 403 or 451.
        status: u16,
    },
    /// The origin gives an answer that is no file.
    #[error("its origin answers {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// It is too long.
    #[error("it is longer than {limit}; `{option}` is the limit")]
    TooLong {
        /// The most that is fetched.
        limit: ByteSize,
        /// The option that says so.
        option: &'static str,
    },
    /// Fewer bytes came than were announced.
    #[error("it broke off after {got} of {expected} bytes")]
    Truncated {
        /// How many came.
        got: u64,
        /// How many were announced.
        expected: u64,
    },
    /// No connection, or nothing sensible on it.
    #[error("its origin cannot be talked to: {reason}")]
    Connection {
        /// What happened.
        reason: String,
    },
    /// It took too long.
    #[error("{what} took longer than {limit}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: recto_config::Duration,
    },
    /// A redirect leads where nothing is fetched from. Where that is may be an internal matter of the origin's: the log says it.
    #[error("its origin leads elsewhere, where no prefix of `source.remote.prefixes` allows it")]
    Redirect,
    /// A redirect leads nowhere.
    #[error("its origin leads on to what is no place to fetch from: {rule}")]
    BadRedirect {
        /// The rule that its target breaks.
        rule: &'static str,
    },
    /// One redirect after the other.
    #[error("its origin leads on more than {limit} times")]
    TooManyRedirects {
        /// The most that are followed.
        limit: u32,
    },
    /// It is compressed on top of what it is, though that was not asked for.
    #[error("its origin sends it encoded as `{encoding}`, which was not asked for")]
    Encoded {
        /// How.
        encoding: String,
    },
    /// It is a page for people, such as a login or a notice.
    #[error("its origin gives a web page instead of an image")]
    WebPage,
    /// There is nothing in it.
    #[error("its origin gives an empty file")]
    Empty,
    /// Too many others are being fetched.
    #[error("too many others are being fetched; `source.remote.at_a_time` says how many")]
    Busy,
    /// Others that are being fetched take all the space.
    #[error("others that are being fetched take up `source.remote.keep`")]
    NoRoom,
    /// It cannot be written.
    #[error("it cannot be kept: {reason}")]
    Disk {
        /// What the system says.
        reason: String,
    },
    /// It is read by ranges, and another version is there by now.
    #[error("it changed at its origin while it was read; ask again")]
    Changed,
    /// The one who fetched it gave up.
    #[error("fetching it was broken off")]
    Abandoned,
}

impl FetchError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLong { .. } => ErrorKind::TooLarge,
            Self::Refused { .. } | Self::Redirect | Self::BadRedirect { .. } => ErrorKind::NotFound,
            Self::Busy | Self::NoRoom | Self::Changed => ErrorKind::Unavailable { retry_after: Duration::from_secs(1) },
            _ => ErrorKind::Unavailable { retry_after: self.remembered() },
        }
    }

    /// How long the origin is not asked again.
    pub(crate) fn remembered(&self) -> Duration {
        match self {
            // What has to do with us alone.
            Self::Busy | Self::NoRoom | Self::Abandoned | Self::Changed => Duration::ZERO,
            Self::Connection { .. }
            | Self::TimedOut { .. }
            | Self::Truncated { .. }
            | Self::Status { .. }
            | Self::WebPage
            | Self::Empty
            | Self::Disk { .. } => Duration::from_secs(5),
            // What will most likely be the same next time.
            Self::Refused { .. }
            | Self::TooLong { .. }
            | Self::Redirect
            | Self::BadRedirect { .. }
            | Self::TooManyRedirects { .. }
            | Self::Encoded { .. } => Duration::from_mins(1),
        }
    }

    /// True for what may go well when it is tried again at once.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Truncated { .. } => true,
            Self::Status { status } => matches!(status, 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// As whoever reads bytes by position hears of it.
    pub(crate) fn to_io(self: &std::sync::Arc<Self>) -> io::Error {
        let kind = match **self {
            Self::Changed => io::ErrorKind::StaleNetworkFileHandle,
            Self::Busy | Self::NoRoom => io::ErrorKind::ResourceBusy,
            Self::TimedOut { .. } => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, std::sync::Arc::clone(self))
    }

    pub(crate) fn disk(error: &io::Error) -> Self {
        Self::Disk { reason: error.to_string() }
    }
}
