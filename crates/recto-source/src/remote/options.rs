//! Options of originals that lie elsewhere.

use recto_config::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{Prefixes, page_of, prefix};

/// Originals that are fetched from elsewhere: their identifiers are URLs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteOptions {
    /// URLs (`http` or `https`, with `/` after the host) of the places that originals may be fetched from: whatever begins with one
    /// of them, on redirects too. Without any, nothing is fetched.
    #[schemars(extend("examples" = [["https://images.example.org/masters/"]]))]
    pub prefixes: Vec<String>,
    /// Longest file that is fetched.
    pub max_file: ByteSize,
    /// A file at least this long stays where it is, if its format is read in parts (TIFF, PDF that is linearized) and its origin answers
    /// ranges and gives a strong `ETag`: of it, what is needed is fetched when it is needed. `max_file` is not for such files.
    pub ranges_from: ByteSize,
    /// Disk space for fetched files, those that are just being fetched among them. The ones that were not used for longest go
    /// first. No file is longer than this, whatever `max_file` says.
    pub keep: ByteSize,
    /// After so long the origin is asked whether a fetched file is still the same.
    pub recheck: Duration,
    /// Longest time that fetching one file may take.
    pub timeout: Duration,
    /// Files that are fetched at a time. From one scheme, host and port, half as many at the most, but always one.
    pub at_a_time: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            prefixes: Vec::new(),
            max_file: ByteSize::gib(2),
            ranges_from: ByteSize::mib(16),
            keep: ByteSize::gib(10),
            recheck: Duration::from_secs(3600),
            timeout: Duration::from_secs(300),
            at_a_time: 4,
        }
    }
}

impl RemoteOptions {
    /// True when something may be fetched at all.
    pub fn is_on(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// True when an original may be fetched from this URL. Nothing is asked for that: it need not be there.
    pub fn admits(&self, url: &str) -> bool {
        let Ok((address, _)) = page_of(url) else { return false };
        self.prefixes.iter().filter_map(|text| prefix(text).ok()).any(|prefix| address.as_str().starts_with(&*prefix))
    }

    pub(crate) fn parse_prefixes(&self) -> Result<Prefixes, (String, &'static str)> {
        Prefixes::parse(&self.prefixes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_admit_urls_beneath_their_prefixes() {
        let with = |prefixes: &[&str]| RemoteOptions {
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            ..RemoteOptions::default()
        };
        let options = with(&["https://a.org", "https://b.org/scans/", "https://c.org/a;2"]);
        for (url, want) in [
            ("https://b.org/scans/a.tif", true),
            ("HTTPS://B.org:443/scans/a.tif;2", true),
            ("https://b.org/scans/../a.tif", false),
            ("https://b.org/scans/%2e%2e/a.tif", false),
            ("https://b.org/scans/..%2Fa.tif", false),
            ("https://c.org/a;2", false),
            ("https://c.org/a;2/b.tif;3", true),
            ("https://b.org/a.tif", false),
            // The first prefix is none: its host may go on.
            ("https://a.org/a.tif", false),
            ("scans/a.tif", false),
        ] {
            assert_eq!(options.admits(url), want, "{url}");
        }
        assert!(options.is_on());
        assert!(!RemoteOptions::default().is_on());
        assert!(!RemoteOptions::default().admits("https://b.org/scans/a.tif"));
    }

    #[test]
    fn options_are_written_with_their_units() {
        let written = serde_json::to_value(RemoteOptions::default()).unwrap();
        let want = serde_json::json!({
            "prefixes": [], "max_file": "2 GiB", "ranges_from": "16 MiB", "keep": "10 GiB", "recheck": "1 h", "timeout": "5 min", "at_a_time": 4,
        });
        assert_eq!(written, want);
        let read: RemoteOptions = serde_json::from_value(serde_json::json!({"timeout": "30 s"})).unwrap();
        assert_eq!(read, RemoteOptions { timeout: Duration::from_secs(30), ..RemoteOptions::default() });
        assert!(serde_json::from_value::<RemoteOptions>(serde_json::json!({"prefix": []})).is_err());
    }
}
