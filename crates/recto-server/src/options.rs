//! The options of the HTTP server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;
use recto_config::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where and how Recto answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Address and port to listen on.
    pub listen: String,
    /// The public URL under which people reach this server, without a final slash: `https://images.example.org`. Without it,
    /// the `Host` header counts, and what `trusted_proxies` say in `Forwarded` or `X-Forwarded-*`.
    pub base_url: Option<String>,
    /// Networks whose `Forwarded` and `X-Forwarded-*` headers are believed: `10.0.0.0/8`. Others' are ignored.
    pub trusted_proxies: Vec<String>,
    /// Path under which version 3.0 of the Image API answers.
    pub image_3_prefix: String,
    /// Path under which version 2.1 of the Image API answers.
    pub image_2_prefix: String,
    /// Accept identifiers with slashes as they are (`/iiif/3/maps/prague.tif/info.json`) beside encoded ones (`maps%2Fprague.tif`).
    pub raw_slashes: bool,
    /// Archives that `recto tile` made, or folders of them. `maps.zip` is served under `/static/maps/`.
    pub archives: Vec<PathBuf>,
    /// `Cache-Control` of images.
    pub cache_control_images: String,
    /// `Cache-Control` of `info.json`, manifests and collections.
    pub cache_control_documents: String,
    /// Longest time that a client may take to send a request's head.
    pub header_timeout: Duration,
    /// Longest time that a client may take to accept more of an answer.
    pub write_timeout: Duration,
    /// Longest request head in bytes; longer ones are answered 431.
    pub max_header_bytes: usize,
    /// Connections at one time; further ones wait to be accepted.
    pub max_connections: usize,
    /// Time that running requests have to end when the server stops.
    pub shutdown_timeout: Duration,
    /// Tell in a `Server-Timing` header where an image came from and how long it took.
    pub server_timing: bool,
    /// Memory for answers that are asked for again and again, and are kept as they are sent. 0 keeps none.
    pub recent_memory: ByteSize,
    /// Write a line for each request to standard error.
    pub access_log: bool,
    /// Secret of those who may ask for `/admin/…`: `Authorization: Bearer …`. Without it, only programs on this machine may, and
    /// not through a proxy.
    pub admin_token: Option<String>,
    /// Secrets of those who may write annotations, each with who it is: a name, a URI, or both as `Anna <https://example.org/anna>`.
    /// They are sent as `Authorization: Bearer …`. Without any, nobody can write; everybody can read.
    pub annotation_tokens: BTreeMap<String, String>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8182".to_owned(),
            base_url: None,
            trusted_proxies: Vec::new(),
            image_3_prefix: "/iiif/3".to_owned(),
            image_2_prefix: "/iiif/2".to_owned(),
            raw_slashes: true,
            archives: Vec::new(),
            cache_control_images: "public, max-age=86400".to_owned(),
            cache_control_documents: "public, max-age=60, must-revalidate".to_owned(),
            header_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(60),
            max_header_bytes: 32 << 10,
            max_connections: 4096,
            shutdown_timeout: Duration::from_secs(20),
            server_timing: true,
            recent_memory: ByteSize::mib(32),
            access_log: false,
            admin_token: None,
            annotation_tokens: BTreeMap::new(),
        }
    }
}

/// What is wrong with an option's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// A network that cannot be read.
    #[error("`server.trusted_proxies` has `{given}`, which is no network; write one as `10.0.0.0/8` or `192.0.2.7/32`")]
    Network {
        /// What was given.
        given: String,
    },
    /// An address that cannot be one.
    #[error("`{given}` cannot be listened on; write an address and a port, as `127.0.0.1:8182` or `[::1]:8182`")]
    Listen {
        /// What was given.
        given: String,
    },
    /// A base URL that cannot be one.
    #[error(
        "`server.base_url` is `{given}`; write it as `https://images.example.org`, without a final slash, `?` or `#`"
    )]
    BaseUrl {
        /// What was given.
        given: String,
    },
    /// A path prefix that cannot be one.
    #[error(
        "`server.{option}` is `{given}`; a prefix begins with a slash, does not end with one and has no `?`, `#`, `%` or spaces"
    )]
    Prefix {
        /// Which option.
        option: &'static str,
        /// What was given.
        given: String,
    },
    /// Two prefixes that cannot be told apart.
    #[error("`server.image_3_prefix` and `server.image_2_prefix` are both `{given}`; give each its own")]
    SamePrefix {
        /// What both are.
        given: String,
    },
    /// An archive that cannot be served.
    #[error("`server.archives` has `{}`, which cannot be served", given.display())]
    Archive {
        /// Which.
        given: PathBuf,
        /// Why not.
        source: Box<recto_static::ArchiveError>,
    },
    /// Two archives that would be served under one name.
    #[error("`{}` and `{}` would both be `/static/{name}/`; rename one", first.display(), second.display())]
    SameArchive {
        /// The name.
        name: String,
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A header value that cannot be one.
    #[error("`server.{option}` is `{given}`, which cannot stand in a header")]
    HeaderValue {
        /// Which option.
        option: &'static str,
        /// What was given.
        given: String,
    },
}

impl ServerOptions {
    /// The networks whose forwarding headers are believed.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn trusted_networks(&self) -> Result<Vec<IpNet>, OptionError> {
        self.trusted_proxies
            .iter()
            .map(|given| {
                given
                    .parse::<IpNet>()
                    .or_else(|_| given.parse::<std::net::IpAddr>().map(IpNet::from))
                    .map_err(|_| OptionError::Network { given: given.clone() })
            })
            .collect()
    }

    /// Checks every value that has a form of its own.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), OptionError> {
        self.trusted_networks()?;
        if self.listen.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
            return Err(OptionError::Listen { given: self.listen.clone() });
        }
        if let Some(given) = &self.base_url {
            let rest = given.strip_prefix("https://").or_else(|| given.strip_prefix("http://"));
            if rest
                .is_none_or(|rest| rest.is_empty() || rest.ends_with('/') || rest.contains(['?', '#', ' ', '"', '<']))
            {
                return Err(OptionError::BaseUrl { given: given.clone() });
            }
        }
        for (option, given) in [("image_3_prefix", &self.image_3_prefix), ("image_2_prefix", &self.image_2_prefix)] {
            if !given.starts_with('/')
                || given.ends_with('/')
                || given.contains(['?', '#', '%', ' ', '"'])
                || !given.is_ascii()
            {
                return Err(OptionError::Prefix { option, given: given.clone() });
            }
        }
        if self.image_3_prefix == self.image_2_prefix {
            return Err(OptionError::SamePrefix { given: self.image_3_prefix.clone() });
        }
        for (option, given) in [
            ("cache_control_images", &self.cache_control_images),
            ("cache_control_documents", &self.cache_control_documents),
        ] {
            if http::HeaderValue::from_str(given).is_err() {
                return Err(OptionError::HeaderValue { option, given: given.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        ServerOptions::default().check().unwrap();
    }

    #[test]
    fn values_without_meaning_are_named() {
        type Change = fn(&mut ServerOptions);
        let cases: [(Change, &str); 9] = [
            (|o| o.listen = "127.0.0.1".into(), "127.0.0.1:8182"),
            (|o| o.listen = "127.0.0.1:99999".into(), "127.0.0.1:99999"),
            (|o| o.base_url = Some("images.example.org".into()), "server.base_url"),
            (|o| o.base_url = Some("https://images.example.org/".into()), "server.base_url"),
            (|o| o.trusted_proxies = vec!["10.0.0.0/99".into()], "10.0.0.0/99"),
            (|o| o.image_3_prefix = "iiif".into(), "server.image_3_prefix"),
            (|o| o.image_2_prefix = "/iiif/3".into(), "are both"),
            (|o| o.image_2_prefix = "/a%20b".into(), "server.image_2_prefix"),
            (|o| o.cache_control_images = "a\nb".into(), "server.cache_control_images"),
        ];
        for (change, part) in cases {
            let mut options = ServerOptions::default();
            change(&mut options);
            let message = options.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
