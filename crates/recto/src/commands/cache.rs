//! `recto cache`: what is in the cache of a state directory, and forgetting it. While a server uses it, the server is asked.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use recto_cache::{CacheError, DerivativeCache};
use recto_iiif::identifier::Identifier;
use recto_service::PurgeScope;
use serde_json::{Value, json};

use crate::config::{Config, ConfigArguments};
use crate::output::{OutputFormat, print};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  recto cache stats --state /var/lib/recto\n  recto cache purge --state /var/lib/recto --identifier maps/prague.tif\n  recto cache purge --state /var/lib/recto --prefix maps/\n  recto cache purge --state /var/lib/recto --all\n\nA replaced original needs no purge: its next answer is the new one. While a server runs, it is asked to do this."
)]
pub(crate) struct CacheCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How much is in it
    Stats(Place),
    /// Forget what was made of images; it is made again when it is asked for
    Purge {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The state directory, as given to `recto serve`
    #[arg(long, value_name = "DIR", env = "RECTO_STATE")]
    state: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Scope {
    /// One image, with all its pages
    #[arg(long, value_name = "IDENTIFIER")]
    identifier: Option<String>,
    /// All images whose identifiers begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Everything
    #[arg(long)]
    all: bool,
}

impl CacheCommand {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let (place, body) = match &self.what {
            What::Stats(place) => (place, None),
            What::Purge { place, scope } => (place, Some(scope.body())),
        };
        let config = place.config.load()?.value;
        let answer = match open(place, &config)? {
            Some(cache) => directly(&cache, body.as_ref()),
            None => by_server(&place.state, &config, body.as_ref())?,
        };
        match place.format {
            OutputFormat::Json => print(&serde_json::to_string_pretty(&answer)?)?,
            OutputFormat::Text => print(&text(&answer))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Scope {
    fn body(&self) -> Value {
        match self {
            Self { identifier: Some(identifier), .. } => json!({"identifier": identifier}),
            Self { prefix: Some(prefix), .. } => json!({"prefix": prefix}),
            _ => json!({"all": true}),
        }
    }
}

/// The cache, if no server uses it.
fn open(place: &Place, config: &Config) -> anyhow::Result<Option<DerivativeCache>> {
    let mut options = config.cache.clone();
    let directory = options.directory.get_or_insert_with(|| place.state.join("cache")).clone();
    anyhow::ensure!(
        directory.join("recto-cache").is_file(),
        "there is no cache in `{}`; give the directory that `recto serve` has as --state",
        directory.display()
    );
    match DerivativeCache::open(&options) {
        Ok(cache) => {
            cache.flush();
            Ok(Some(cache))
        }
        Err(CacheError::InUse { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn directly(cache: &DerivativeCache, body: Option<&Value>) -> Value {
    let Some(body) = body else {
        let stats = cache.stats();
        return json!({"disk": {"entries": stats.disk_entries, "bytes": stats.disk_bytes}});
    };
    let scope = match (body["identifier"].as_str(), body["prefix"].as_str()) {
        (Some(identifier), _) => PurgeScope::Image(Identifier::new(identifier)),
        (_, Some(prefix)) => PurgeScope::Prefix(prefix.to_owned()),
        _ => PurgeScope::All,
    };
    let files = match scope {
        PurgeScope::All => cache.purge_all(),
        scope => cache.purge_named(&|identifier| scope.means(identifier)),
    };
    cache.flush();
    json!({"purgedFiles": files})
}

fn by_server(state: &Path, config: &Config, body: Option<&Value>) -> anyhow::Result<Value> {
    let told = std::fs::read_to_string(state.join(Running::FILE)).ok().and_then(|text| text.trim().parse().ok());
    let address: SocketAddr = told.with_context(|| {
        format!("a server uses this cache, and `{}` does not tell its address", state.join(Running::FILE).display())
    })?;
    let (method, path) = if body.is_some() { ("POST", "/admin/cache/purge") } else { ("GET", "/admin/cache") };
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    if let Some(token) = &config.server.admin_token {
        request.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(&body);
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_mins(10)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(1 << 20).read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().with_context(|| format!("the server at {address} does not answer"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the server's answer is none")?;
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    anyhow::ensure!(
        head.split(' ').nth(1) == Some("200"),
        "the server at {address} refused: {}; {}",
        value["detail"].as_str().unwrap_or("without a reason"),
        value["hint"].as_str().unwrap_or("look into its log")
    );
    Ok(value)
}

fn text(answer: &Value) -> String {
    let Some(files) = answer["purgedFiles"].as_u64() else {
        let disk = &answer["disk"];
        return format!("{} files, {} bytes on disk\n", disk["entries"], disk["bytes"]);
    };
    format!("{files} files are forgotten\n")
}

/// What a running server leaves in its state directory for this command: where it listens.
pub(super) struct Running;

impl Running {
    const FILE: &str = "address";

    /// Tells where the server of this state directory can be reached from this machine.
    pub(super) fn tell(state: &Path, address: SocketAddr) {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let text = format!("{}\n", SocketAddr::new(ip, address.port()));
        if let Err(error) = std::fs::write(state.join(Self::FILE), text) {
            tracing::warn!(%error, "`recto cache` will not find this server");
        }
    }

    pub(super) fn forget(state: &Path) {
        // The next server writes it anew.
        let _removed = std::fs::remove_file(state.join(Self::FILE));
    }
}
