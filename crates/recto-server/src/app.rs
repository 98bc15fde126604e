//! What every route stands on, and the first fork of the road.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderValue, Method};
use recto_iiif::ErrorKind;
use recto_iiif::image::{ApiVersion, Slashes};
use recto_service::policy::Caller;
use recto_service::{AnnotationService, ImageService, ObjectService, Proxied, SearchService, ServiceError, SiteUrls};

use crate::base::{PublicUrl, Reached, has_sound_host};
use crate::front::Recent;
use crate::options::{OptionError, ServerOptions};
use crate::problem::{Api, Problem};
use crate::reply::{Reply, open_to_all, preflight};
use crate::routes;
use crate::routes::archive::Archives;

/// The application: shared by all connections, never changed.
#[derive(Clone, Debug)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    images: ImageService,
    objects: ObjectService,
    annotations: AnnotationService,
    search: SearchService,
    archives: Archives,
    recent: Recent,
    title: String,
    /// What URLs of images elsewhere begin with that are given out here.
    proxied: Proxied,
    options: ServerOptions,
    public: PublicUrl,
    cache_control_images: HeaderValue,
    cache_control_documents: HeaderValue,
}

/// One request with what was found out about it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) parts: Parts,
    pub(crate) reached: Reached,
    /// Who holds the other end of the connection.
    pub(crate) peer: std::net::IpAddr,
    /// What was sent along, where anything is read.
    pub(crate) body: SentBody,
    /// Who asks, if they proved it.
    pub(crate) user: Option<String>,
}

/// What was sent along with a request. Most routes take nothing, and then nothing is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SentBody {
    /// All of it; nothing where nothing is read.
    Whole(bytes::Bytes),
    /// More than is read.
    TooLong,
    /// It did not come in time, or not to its end.
    Broken,
}

impl Asked {
    /// What was sent along; nothing where it was not all read.
    pub(crate) fn body(&self) -> &[u8] {
        match &self.body {
            SentBody::Whole(bytes) => bytes,
            SentBody::TooLong | SentBody::Broken => b"",
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller { address: Some(self.reached.client), user: self.user.clone() }
    }

    pub(crate) fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }

    pub(crate) fn accept(&self) -> Option<&str> {
        self.parts.headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok())
    }
}

impl App {
    /// An application over these use cases. `title` is the name of the whole, on the first page; `proxied` are the images
    /// elsewhere that the source fetches.
    ///
    /// # Errors
    /// An option that has no meaning.
    pub fn new(
        images: ImageService,
        objects: ObjectService,
        annotations: AnnotationService,
        title: String,
        proxied: Proxied,
        options: ServerOptions,
    ) -> Result<Self, OptionError> {
        options.check()?;
        let value = |option: &'static str, given: &str| {
            HeaderValue::from_str(given).map_err(|_| OptionError::HeaderValue { option, given: given.to_owned() })
        };
        Ok(Self {
            inner: Arc::new(Inner {
                public: PublicUrl::new(options.base_url.clone(), options.trusted_networks()?),
                cache_control_images: value("cache_control_images", &options.cache_control_images)?,
                cache_control_documents: value("cache_control_documents", &options.cache_control_documents)?,
                archives: Archives::open(&options.archives)?,
                recent: Recent::new(options.recent_memory.bytes()),
                images,
                search: SearchService::new(objects.clone()).with_annotations(&annotations),
                objects,
                annotations,
                title,
                proxied,
                options,
            }),
        })
    }

    pub(crate) fn images(&self) -> &ImageService {
        &self.inner.images
    }

    pub(crate) fn objects(&self) -> &ObjectService {
        &self.inner.objects
    }

    pub(crate) fn annotations(&self) -> &AnnotationService {
        &self.inner.annotations
    }

    /// Who sends this token, if it is one of those that may write.
    pub(crate) fn user(&self, headers: &http::HeaderMap) -> Option<String> {
        let given = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, given) = given.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let tokens = &self.inner.options.annotation_tokens;
        // All are compared, so that the time tells nothing of them.
        let mut found = None;
        for (token, user) in tokens {
            if is_same(given.trim().as_bytes(), token.as_bytes()) {
                found = Some(user);
            }
        }
        found.cloned()
    }

    pub(crate) fn search(&self) -> &SearchService {
        &self.inner.search
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.inner.recent
    }

    pub(crate) fn archives(&self) -> &Archives {
        &self.inner.archives
    }

    pub(crate) fn title(&self) -> String {
        self.inner.title.clone()
    }

    /// The URLs of this server for one who reached it under `base`.
    pub(crate) fn urls(&self, base: &str) -> SiteUrls {
        SiteUrls::new(base)
            .with_image_prefix(ApiVersion::V3, &self.inner.options.image_3_prefix)
            .with_image_prefix(ApiVersion::V2, &self.inner.options.image_2_prefix)
            .with_proxied(&self.inner.proxied)
    }

    /// Counts a failure, and logs those that are not the request's own.
    pub(crate) fn note_failure(&self, asked: &Asked, error: &ServiceError) {
        let root = error.root();
        match root.kind() {
            ErrorKind::Unavailable { .. } => self.inner.images.metrics().failed(true),
            ErrorKind::Internal | ErrorKind::CorruptSource => {
                self.inner.images.metrics().failed(false);
                let cause = std::error::Error::source(root).map(ToString::to_string).unwrap_or_default();
                tracing::info!(path = asked.parts.uri.path(), cause, "{root}");
            }
            _ => {}
        }
    }

    /// How a request without any word of a proxy reached us. `host` is one (see [`crate::base::is_host`]).
    pub(crate) fn reached_plainly(&self, peer: SocketAddr, host: &str) -> Reached {
        self.inner.public.plain(peer.ip(), host)
    }

    pub(crate) fn options(&self) -> &ServerOptions {
        &self.inner.options
    }

    pub(crate) fn cache_control_images(&self) -> HeaderValue {
        self.inner.cache_control_images.clone()
    }

    pub(crate) fn cache_control_documents(&self) -> HeaderValue {
        self.inner.cache_control_documents.clone()
    }

    pub(crate) fn slashes(&self) -> Slashes {
        if self.inner.options.raw_slashes { Slashes::Raw } else { Slashes::EncodedOnly }
    }

    /// Path under which a version of the Image API answers.
    pub(crate) fn image_prefix(&self, version: ApiVersion) -> &str {
        match version {
            ApiVersion::V2 => &self.inner.options.image_2_prefix,
            ApiVersion::V3 => &self.inner.options.image_3_prefix,
        }
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub(crate) async fn answer(&self, parts: Parts, body: SentBody, peer: SocketAddr) -> Reply {
        let began = Instant::now();
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let reached = self.inner.public.of(peer.ip(), authority, &parts.headers);
        let user = self.user(&parts.headers);
        let asked = Asked { parts, reached, peer: peer.ip(), body, user };
        let path = asked.parts.uri.path();
        let mut reply = match asked.parts.method {
            _ if !has_sound_host(asked.parts.version, &asked.parts.headers) => {
                Problem::new(ErrorKind::Malformed, "the request has no `Host` header, several, or one that is no host")
                    .hint("send one `Host` with the name and port that this server is reached under")
                    .reply(Api::Other, &asked.parts.headers)
            }
            Method::OPTIONS => routes::annotations::options(self, path).unwrap_or_else(preflight),
            Method::GET | Method::HEAD => self.route(&asked).await,
            Method::POST if routes::is_admin(path) => self.route(&asked).await,
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE if routes::annotations::is_written(path) => {
                self.route(&asked).await
            }
            _ => {
                let mut problem =
                    Problem::new(ErrorKind::Malformed, format!("`{}` is not done here", asked.parts.method))
                        .hint("use GET, HEAD or OPTIONS");
                problem.title = "method not allowed";
                problem.status = Some(http::StatusCode::METHOD_NOT_ALLOWED);
                let mut reply = problem.reply(Api::Other, &asked.parts.headers);
                reply.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
                reply
            }
        };
        open_to_all(reply.headers_mut());
        if self.inner.options.access_log {
            let text = |name| asked.parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
            Access {
                client: asked.reached.client,
                method: asked.parts.method.as_str(),
                path: asked.parts.uri.path(),
                status: reply.status().as_u16(),
                bytes: http_body::Body::size_hint(reply.body()).exact(),
                referer: text(http::header::REFERER),
                agent: text(http::header::USER_AGENT),
            }
            .log(began);
        }
        reply
    }

    async fn route(&self, asked: &Asked) -> Reply {
        let path = asked.parts.uri.path();
        for version in [ApiVersion::V3, ApiVersion::V2] {
            if let Some(rest) = path.strip_prefix(self.image_prefix(version)).and_then(|rest| rest.strip_prefix('/')) {
                return routes::image::answer(self, asked, version, rest).await;
            }
        }
        routes::other(self, asked).await
    }
}

/// Compares without telling by its time how much is the same.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// What is logged of a request, in one line, when its answer begins to be sent.
#[derive(Debug)]
pub(crate) struct Access<'a> {
    pub(crate) client: IpAddr,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) bytes: Option<u64>,
    pub(crate) referer: Option<&'a str>,
    pub(crate) agent: Option<&'a str>,
}

impl Access<'_> {
    pub(crate) fn log(&self, began: Instant) {
        tracing::info!(
            client = %self.client,
            method = self.method,
            path = self.path,
            status = self.status,
            bytes = self.bytes,
            milliseconds = began.elapsed().as_secs_f64() * 1000.0,
            referer = self.referer.unwrap_or("-"),
            agent = self.agent.unwrap_or("-"),
            "access"
        );
    }
}
