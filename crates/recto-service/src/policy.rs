//! Who may see what. Asked before any cache or source is touched.

use std::net::IpAddr;

use recto_iiif::identifier::Identifier;

/// Who asks, as far as the request tells.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// Network address, behind trusted proxies the one that they name.
    pub address: Option<IpAddr>,
    /// Who they are, if they proved it: a name, a URI, or both.
    pub user: Option<String>,
}

/// What the caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Read what an image is: `info.json`.
    ReadInfo,
    /// Read pixels of an image.
    ReadImage,
    /// Read a manifest or collection.
    ReadObject,
    /// Read annotations about an object, or of a container of this name.
    ReadAnnotation,
    /// Write annotations into a container of this name: that of an object is called like it.
    WriteAnnotation,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Go on.
    Allow,
    /// The caller must say who they are.
    AskWho,
    /// No.
    Deny,
}

/// Decides from what it has in memory: it is asked once for every request and must not wait.
pub trait Policy: Send + Sync + std::fmt::Debug {
    /// May this caller do this with the thing of this identifier?
    fn decide(&self, caller: &Caller, action: Action, identifier: &Identifier) -> Decision;

    /// Might there be images of this object that the caller may not see, although they may see the object? Where there are none for
    /// sure, its text is searched without a look at each page.
    fn hides_parts(&self, _caller: &Caller, _object: &Identifier) -> bool {
        true
    }
}

/// Everything is public.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn decide(&self, _caller: &Caller, _action: Action, _identifier: &Identifier) -> Decision {
        Decision::Allow
    }

    fn hides_parts(&self, _caller: &Caller, _object: &Identifier) -> bool {
        false
    }
}
