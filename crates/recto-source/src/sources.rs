//! All places of originals as one: folders of this machine, and URLs that are fetched.

use std::sync::Arc;

use recto_codec::RandomAccess;
use recto_iiif::identifier::Identifier;

use crate::remote::{STORE, is_url, shown};
use crate::{Filesystem, Located, Remote, Source, SourceError, SourceVersion};

/// Folders, and what is fetched from elsewhere: an identifier that begins with `http://` or `https://` is a URL, any other a path.
#[derive(Debug)]
pub struct Sources {
    filesystem: Filesystem,
    remote: Option<Remote>,
}

impl Sources {
    /// Both together; without `remote` nothing is fetched.
    pub const fn new(filesystem: Filesystem, remote: Option<Remote>) -> Self {
        Self { filesystem, remote }
    }

    /// The folders.
    pub const fn filesystem(&self) -> &Filesystem {
        &self.filesystem
    }

    /// What is fetched from elsewhere.
    pub const fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    fn remote_for(&self, text: &str) -> Result<&Remote, SourceError> {
        self.remote.as_ref().ok_or_else(|| SourceError::NotFetched {
            identifier: shown(text),
            rule: "`source.remote.prefixes` names the places that originals are fetched from, and it names none",
        })
    }
}

impl Source for Sources {
    fn locate(&self, identifier: &Identifier) -> Result<Located, SourceError> {
        if is_url(identifier.as_str()) {
            self.remote_for(identifier.as_str())?.locate(identifier)
        } else {
            self.filesystem.locate(identifier)
        }
    }

    fn open(&self, located: &Located) -> Result<Arc<dyn RandomAccess>, SourceError> {
        if located.key.store() == STORE {
            self.remote_for(located.key.path())?.open(located)
        } else {
            self.filesystem.open(located)
        }
    }

    fn revalidate(&self, located: &Located) -> Result<Option<SourceVersion>, SourceError> {
        if located.key.store() == STORE {
            self.remote.as_ref().map_or(Ok(None), |remote| remote.revalidate(located))
        } else {
            self.filesystem.revalidate(located)
        }
    }

    fn stood_still(&self, located: &Located) -> bool {
        if located.key.store() == STORE {
            self.remote.as_ref().is_some_and(|remote| remote.stood_still(located))
        } else {
            self.filesystem.stood_still(located)
        }
    }

    fn ask_again(&self, means: &dyn Fn(&str) -> bool) {
        self.remote.iter().for_each(|remote| remote.ask_again(means));
    }

    fn may_wait(&self, identifier: &Identifier) -> bool {
        is_url(identifier.as_str()) && self.remote.as_ref().is_some_and(|remote| remote.may_wait(identifier))
    }
}
