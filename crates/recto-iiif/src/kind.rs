//! What kind of failure an error is: the one word from which the edges choose a status or an exit code.

use std::time::Duration;

/// The kind of an error. Only the server turns kinds into HTTP statuses, in one table per API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be read or asks for something the specification forbids.
    Malformed,
    /// There is no such thing.
    NotFound,
    /// The caller has to say who they are.
    Unauthorized,
    /// The caller may not.
    Forbidden,
    /// It can never be served within this server's limits.
    TooLarge,
    /// It is well-formed, but this server does not do it.
    Unsupported,
    /// The stored file is damaged or hostile.
    CorruptSource,
    /// Not now; try again after a while.
    Unavailable {
        /// When trying again is worth it.
        retry_after: Duration,
    },
    /// Our own fault.
    Internal,
}
