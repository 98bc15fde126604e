//! Forget images: what was made of them, what is known of them, and that they are open.

use recto_iiif::identifier::Identifier;

use super::ImageService;

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurgeScope {
    /// The image of this identifier, with all its pages.
    Image(Identifier),
    /// All images whose identifiers begin so.
    Prefix(String),
    /// Everything.
    All,
}

impl PurgeScope {
    /// Is the image of this identifier meant?
    pub fn means(&self, identifier: &str) -> bool {
        match self {
            Self::Image(image) => {
                let page = identifier.strip_prefix(image.as_str()).map(|rest| rest.strip_prefix(';').unwrap_or(rest));
                page.is_some_and(|page| page.bytes().all(|byte| byte.is_ascii_digit()))
                    && (identifier == image.as_str() || identifier.as_bytes().get(image.as_str().len()) == Some(&b';'))
            }
            Self::Prefix(prefix) => identifier.starts_with(prefix.as_str()),
            Self::All => true,
        }
    }
}

impl ImageService {
    /// Forgets what is meant, everywhere: derivatives and parts in memory and on disk, facts, failures, open files. Nothing of it is
    /// answered after this returns. Gives the number of files in the cache directory that go. May wait for the disk.
    pub fn purge(&self, scope: &PurgeScope) -> u64 {
        let inner = &self.inner;
        // Both as it was given and in full, as an identifier may leave off its extension.
        let full = match scope {
            PurgeScope::Image(identifier) => {
                let known = inner.known.get(identifier).map(|known| known.located.identifier.clone());
                // Nothing is fetched to be forgotten.
                let is_here = !inner.source.may_wait(identifier);
                known.or_else(|| {
                    is_here.then(|| inner.source.locate(identifier).ok().map(|located| located.identifier)).flatten()
                })
            }
            _ => None,
        };
        let full = full.map(PurgeScope::Image);
        let means = move |scope: &PurgeScope, identifier: &str| {
            scope.means(identifier) || full.as_ref().is_some_and(|full| full.means(identifier))
        };
        // The first, as it begins a generation: what was looked up in the one before takes itself out where it comes too late.
        let files = match scope {
            PurgeScope::All => inner.cache.purge_all(),
            _ => inner.cache.purge_named(&|identifier| means(scope, identifier)),
        };
        for (identifier, known) in &inner.known {
            if means(scope, identifier.as_str()) || means(scope, known.located.identifier.as_str()) {
                inner.known.invalidate(&*identifier);
            }
        }
        for (identifier, _) in &inner.failures {
            if means(scope, identifier.as_str()) {
                inner.failures.invalidate(&*identifier);
            }
        }
        inner.source.ask_again(&|identifier| means(scope, identifier));
        // All of them, as shelves that were opened before a purge take nothing after it.
        inner.open.invalidate_all();
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_meant_with_its_pages_and_no_other() {
        let image = PurgeScope::Image(Identifier::new("maps/a.tif"));
        for (identifier, want) in [
            ("maps/a.tif", true),
            ("maps/a.tif;2", true),
            ("maps/a.tif;12", true),
            ("maps/a.tif2", false),
            ("maps/a.tif;x", false),
            ("maps/a.tiff", false),
            ("maps/a", false),
            ("b/maps/a.tif", false),
        ] {
            assert_eq!(image.means(identifier), want, "{identifier}");
        }
        let prefix = PurgeScope::Prefix("maps/".to_owned());
        assert!(prefix.means("maps/a.tif") && !prefix.means("map") && PurgeScope::All.means(""));
    }
}
