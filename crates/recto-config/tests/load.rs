//! Layers, provenance, and every message in its exact words.

#![cfg(test)]

use std::collections::BTreeMap;

use recto_config::{ByteSize, ConfigFile, Duration, Origin, Sources, example_file, json_schema, load, reference_table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The options of a server that exists only here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Where to listen.
    listen: String,
    /// The public address, if it is not the one asked for.
    base_url: Option<String>,
    cache: Cache,
    /// The outside of the world.
    tls: Option<Tls>,
    /// Folders to serve, by name.
    sources: BTreeMap<String, Folder>,
    rules: Vec<Rule>,
}

/// Derivatives that were made before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Cache {
    /// Most bytes on disk; the least recently used go first.
    ///
    /// Raise it when evictions climb.
    #[schemars(extend("x-applies" = "on reload"))]
    max_disk: ByteSize,
    /// How long a failure is remembered.
    negative: Duration,
    /// What happens at the limit.
    eviction: Eviction,
    workers: u16,
    /// From 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    share: f64,
    enabled: bool,
    hosts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Eviction {
    /// Oldest use first.
    LeastRecent,
    /// Rarest use first.
    LeastFrequent,
}

/// Encryption.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Tls {
    /// PEM file.
    #[schemars(example = &"/etc/recto/cert.pem")]
    certificate: Option<String>,
}

/// A folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Folder {
    /// Where it is.
    path: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Rule {
    /// What it matches.
    pattern: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            base_url: None,
            cache: Cache::default(),
            tls: None,
            sources: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            max_disk: ByteSize::gib(10),
            negative: Duration::from_secs(30),
            eviction: Eviction::LeastRecent,
            workers: 4,
            share: 0.5,
            enabled: true,
            hosts: Vec::new(),
        }
    }
}

fn sources(file: &str, environment: &[(&str, &str)], sets: &[&str]) -> Sources {
    Sources {
        file: (!file.is_empty()).then(|| ConfigFile { path: "recto.toml".into(), text: file.to_owned() }),
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
    }
}

fn file_error(file: &str) -> String {
    load::<Options>(&sources(file, &[], &[])).map(|_| ()).expect_err("the file has a mistake").to_string()
}

#[test]
fn nothing_set_gives_the_defaults_and_says_so() {
    let loaded = load::<Options>(&Sources::default()).unwrap();
    assert_eq!(loaded.value, Options::default());
    assert!(loaded.origins.values().all(|origin| *origin == Origin::Default));
    assert!(loaded.origins.contains_key("cache.max_disk") && loaded.origins.contains_key("base_url"));
}

#[test]
fn set_beats_environment_beats_file_beats_default_and_each_origin_is_known() {
    let file = "listen = \"file\"\n[cache]\nmax_disk = \"1 GiB\"\nworkers = 1\nnegative = \"1 min\"\n";
    let environment = [("RECTO_CACHE__MAX_DISK", "2 GiB"), ("RECTO_CACHE__WORKERS", "2"), ("HOME", "/x")];
    let loaded = load::<Options>(&sources(file, &environment, &["cache.max_disk=3GiB"])).unwrap();
    assert_eq!(loaded.value.listen, "file");
    assert_eq!(loaded.value.cache.max_disk, ByteSize::gib(3));
    assert_eq!(loaded.value.cache.workers, 2);
    assert_eq!(loaded.value.cache.negative, Duration::from_secs(60));
    assert!(loaded.value.cache.enabled);
    for (key, origin) in [
        ("listen", "recto.toml:1"),
        ("cache.max_disk", "--set"),
        ("cache.workers", "environment variable `RECTO_CACHE__WORKERS`"),
        ("cache.negative", "recto.toml:5"),
        ("cache.enabled", "default"),
        ("tls", "default"),
    ] {
        assert_eq!(loaded.origins[key].to_string(), origin, "{key}");
    }
}

#[test]
fn text_outside_the_file_gets_the_type_of_its_option() {
    let sets = [
        "cache.enabled=false",
        "cache.share=0.25",
        "cache.workers = 7",
        "cache.max_disk=1024",
        "cache.hosts=a, b,c",
        "cache.eviction=least-frequent",
        "base_url=https://a.b/?x=1",
        "sources.maps.path=/m",
        "rules=[{ pattern = \"x\" }]",
        "tls.certificate=/c",
        "listen=8080",
    ];
    let value = load::<Options>(&sources("", &[], &sets)).unwrap().value;
    assert!(!value.cache.enabled);
    assert_eq!(value.cache.share.to_bits(), 0.25_f64.to_bits());
    assert_eq!(value.cache.workers, 7);
    assert_eq!(value.cache.max_disk, ByteSize::kib(1));
    assert_eq!(value.cache.hosts, ["a", "b", "c"]);
    assert_eq!(value.cache.eviction, Eviction::LeastFrequent);
    assert_eq!(value.base_url.as_deref(), Some("https://a.b/?x=1"));
    assert_eq!(value.sources["maps"].path, "/m");
    assert_eq!(value.rules, [Rule { pattern: "x".to_owned() }]);
    assert_eq!(value.tls, Some(Tls { certificate: Some("/c".to_owned()) }));
    assert_eq!(value.listen, "8080", "text stays text, even when it looks like a number");
    let environment = [("RECTO_CACHE__HOSTS", "[\"a,b\"]"), ("RECTO_LISTEN", "x"), ("RECTO_TEST_DATA", "/data")];
    let value = load::<Options>(&sources("", &environment, &[])).unwrap().value;
    assert_eq!(value.cache.hosts, ["a,b"]);
    assert_eq!(value.listen, "x");
}

#[test]
fn every_mistake_in_the_file_is_shown_with_its_place() {
    for (file, message) in [
        (
            "[cache]\nmax_dsk = \"1 GiB\"\n",
            "recto.toml:2:1: unknown key `cache.max_dsk`; did you mean `cache.max_disk`?\n  |\n2 | max_dsk = \"1 GiB\"\n  | ^^^^^^^",
        ),
        (
            "workers = 3\n",
            "recto.toml:1:1: unknown key `workers`; did you mean `cache.workers`?\n  |\n1 | workers = 3\n  | ^^^^^^^",
        ),
        (
            "[tls]\nzebra = 3\n",
            "recto.toml:2:1: unknown key `tls.zebra`; `tls` has `certificate`\n  |\n2 | zebra = 3\n  | ^^^^^",
        ),
        (
            "zebra = 3\n",
            "recto.toml:1:1: unknown key `zebra`; there are `listen`, `base_url`, `cache`, `tls`, `sources` and `rules`\n  |\n1 | zebra = 3\n  | ^^^^^",
        ),
        (
            "[cache]\n\tworkers = \"many\" # so\n",
            "recto.toml:2:12: `cache.workers` must be a whole number, found the text `many`\n  |\n2 | \tworkers = \"many\" # so\n  | \t          ^^^^^^",
        ),
        (
            "cache = 5\n",
            "recto.toml:1:9: `cache` must be a section, found the number `5`; write `[cache]` on a line of its own and its keys below it\n  |\n1 | cache = 5\n  |         ^",
        ),
        (
            "[listen]\nx = 1\n",
            "recto.toml:1:1: `listen` must be text, found a section\n  |\n1 | [listen]\n  | ^^^^^^^^",
        ),
        (
            "cache.enabled = 1\n",
            "recto.toml:1:17: `cache.enabled` must be `true` or `false`, found the number `1`\n  |\n1 | cache.enabled = 1\n  |                 ^",
        ),
        (
            "cache.max_disk = true\n",
            "recto.toml:1:18: `cache.max_disk` must be text or a whole number, found `true`\n  |\n1 | cache.max_disk = true\n  |                  ^^^^",
        ),
        (
            "cache.max_disk = \"5 GX\"\n",
            "recto.toml:1:18: `cache.max_disk`: `5 GX` needs one of the units B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB; write it like `200 GiB`\n  |\n1 | cache.max_disk = \"5 GX\"\n  |                  ^^^^^^",
        ),
        (
            "cache.max_disk = -1\n",
            "recto.toml:1:18: `cache.max_disk` must be at least 0, found -1\n  |\n1 | cache.max_disk = -1\n  |                  ^^",
        ),
        (
            "cache.workers = 65536\n",
            "recto.toml:1:17: `cache.workers` must be at most 65535, found 65536\n  |\n1 | cache.workers = 65536\n  |                 ^^^^^",
        ),
        (
            "cache.share = 1.5\n",
            "recto.toml:1:15: `cache.share` must be at most 1, found 1.5\n  |\n1 | cache.share = 1.5\n  |               ^^^",
        ),
        (
            "cache.workers = 99999999999999999999\n",
            "recto.toml:1:17: `cache.workers` must be a whole number, found the text `99999999999999999999`\n  |\n1 | cache.workers = 99999999999999999999\n  |                 ^^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "cache.negative = 30\n",
            "recto.toml:1:18: `cache.negative` must be text, found the number `30`\n  |\n1 | cache.negative = 30\n  |                  ^^",
        ),
        (
            "cache.negative = \"30\"\n",
            "recto.toml:1:18: `cache.negative`: `30` needs one of the units ns, us, ms, s, min, h, d; write it like `30 s`\n  |\n1 | cache.negative = \"30\"\n  |                  ^^^^",
        ),
        (
            "cache.eviction = \"least-recnt\"\n",
            "recto.toml:1:18: `cache.eviction` cannot be `least-recnt`; did you mean `least-recent`?\n  |\n1 | cache.eviction = \"least-recnt\"\n  |                  ^^^^^^^^^^^^^",
        ),
        (
            "cache.eviction = \"never\"\n",
            "recto.toml:1:18: `cache.eviction` cannot be `never`; it may be `least-recent` or `least-frequent`\n  |\n1 | cache.eviction = \"never\"\n  |                  ^^^^^^^",
        ),
        (
            "cache.hosts = [\"a\", 2]\n",
            "recto.toml:1:21: `cache.hosts[1]` must be text, found the number `2`\n  |\n1 | cache.hosts = [\"a\", 2]\n  |                     ^",
        ),
        (
            "[sources.maps]\npth = \"/m\"\n",
            "recto.toml:2:1: unknown key `sources.maps.pth`; did you mean `sources.maps.path`?\n  |\n2 | pth = \"/m\"\n  | ^^^",
        ),
        (
            "[[rules]]\npatern = \"/m\"\n",
            "recto.toml:2:1: unknown key `rules[0].patern`; did you mean `rules[0].pattern`?\n  |\n2 | patern = \"/m\"\n  | ^^^^^^",
        ),
        (
            "listen = \"ü\" x\n",
            "recto.toml:1:14: this is not TOML: unexpected key or value, expected newline, `#`\n  |\n1 | listen = \"ü\" x\n  |              ^",
        ),
    ] {
        assert_eq!(file_error(file), message, "for {file}");
    }
}

#[test]
fn mistakes_outside_the_file_name_the_variable_or_the_flag() {
    for (environment, sets, message) in [
        (
            &[("RECTO_CACHE__MAX_DSK", "1")][..],
            &[][..],
            "environment variable `RECTO_CACHE__MAX_DSK`: unknown key `cache.max_dsk`; did you mean `RECTO_CACHE__MAX_DISK`?",
        ),
        (
            &[("RECTO_CACHE_MAX_DISK", "1")],
            &[],
            "environment variable `RECTO_CACHE_MAX_DISK`: sections are set off by two underscores; did you mean `RECTO_CACHE__MAX_DISK`?",
        ),
        (
            &[("RECTO_CACHE__", "1")],
            &[],
            "environment variable `RECTO_CACHE__`: a name between the `__` is missing; write it like `RECTO_CACHE__MAX_DISK`",
        ),
        (
            &[("RECTO_CACHE__WORKERS", "few")],
            &[],
            "environment variable `RECTO_CACHE__WORKERS`: `cache.workers` must be a whole number, found the text `few`",
        ),
        (
            &[("RECTO_CACHE__ENABLED", "yes")],
            &[],
            "environment variable `RECTO_CACHE__ENABLED`: `cache.enabled` must be `true` or `false`, found the text `yes`",
        ),
        (
            &[],
            &["cache.workers"],
            "--set: `cache.workers` is not of the form `section.key=value`; write it like `--set cache.max_disk=20GiB`",
        ),
        (
            &[],
            &["cache..workers=1"],
            "--set: `cache..workers=1` is not of the form `section.key=value`; write it like `--set cache.max_disk=20GiB`",
        ),
        (&[], &["cahce.workers=1"], "--set: unknown key `cahce`; did you mean `cache`?"),
        (
            &[],
            &["cache.negative=30"],
            "--set: `cache.negative`: `30` needs one of the units ns, us, ms, s, min, h, d; write it like `30 s`",
        ),
        (
            &[],
            &["cache=1"],
            "--set: `cache` must be a section, found the number `1`; write `[cache]` on a line of its own and its keys below it",
        ),
    ] {
        let error = load::<Options>(&sources("", environment, sets)).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.problems().len(), 1);
    }
}

#[test]
fn all_mistakes_are_told_together_in_reading_order() {
    let file = "zebra = 1\n[cache]\nnegative = \"soon\"\nworkers = \"x\"\nmax_disk = \"1 XB\"\nhosts = [1]\n";
    let error = load::<Options>(&sources(file, &[("RECTO_CACHE__SHARE", "2")], &["y=1"])).unwrap_err();
    let keys: Vec<&str> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        ["zebra", "cache.negative", "cache.workers", "cache.max_disk", "cache.hosts[0]", "cache.share", "y"]
    );
}

#[test]
fn a_mistake_in_a_lower_layer_that_a_higher_one_replaces_is_no_mistake() {
    let loaded = load::<Options>(&sources("cache.workers = \"x\"\n", &[], &["cache.workers=2"])).unwrap();
    assert_eq!(loaded.value.cache.workers, 2);
}

#[test]
fn an_unreadable_file_is_named() {
    let error = Sources::of_process(Some("/nonexistent/recto.toml".as_ref()), Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "the configuration file `/nonexistent/recto.toml` could not be read");
}

const EXAMPLE: &str = r#"# The options of a server that exists only here.

# Where to listen.
# listen = "127.0.0.1:8080"

# The public address, if it is not the one asked for.
# base_url = …

# Derivatives that were made before.
[cache]

# Most bytes on disk; the least recently used go first.
#
# Raise it when evictions climb.
# max_disk = "10 GiB"

# How long a failure is remembered.
# negative = "30 s"

# What happens at the limit.
# eviction = "least-recent"

# workers = 4

# From 0 to 1.
# share = 0.5

# enabled = true

# hosts = []

# The outside of the world.
# [tls]

# PEM file.
# certificate = "/etc/recto/cert.pem"

# Folders to serve, by name.
# [sources.<name>]

# Where it is.
# path = ""

# [[rules]]

# What it matches.
# pattern = ""
"#;

#[test]
fn the_example_file_explains_every_option_and_changes_nothing() {
    let example = example_file::<Options>();
    assert_eq!(example, EXAMPLE);
    assert_eq!(load::<Options>(&sources(&example, &[], &[])).unwrap().value, Options::default());
}

#[test]
fn the_example_file_with_its_options_uncommented_still_gives_the_defaults() {
    let example = example_file::<Options>();
    let plain: Vec<String> = example
        .split("# [tls]")
        .next()
        .unwrap()
        .lines()
        .map(|line| {
            let option = line.contains(" = ") && !line.contains('…');
            line.strip_prefix("# ").filter(|_| option).unwrap_or(line).to_owned()
        })
        .collect();
    let loaded = load::<Options>(&sources(&plain.join("\n"), &[], &[])).unwrap();
    assert_eq!(loaded.value, Options::default());
    assert!(matches!(loaded.origins["cache.share"], Origin::File { .. }));
}

#[test]
fn the_reference_has_a_table_for_each_section() {
    let table = reference_table::<Options>();
    for line in [
        "## `cache`",
        "| `listen`<br>`RECTO_LISTEN` | text | `\"127.0.0.1:8080\"` | Where to listen. |",
        "| `base_url`<br>`RECTO_BASE_URL` | text | – | The public address, if it is not the one asked for. |",
        "| `cache.max_disk`<br>`RECTO_CACHE__MAX_DISK` | size | `\"10 GiB\"` | Most bytes on disk; the least recently used go first.<br>Raise it when evictions climb. Applies on reload. |",
        "| `cache.negative`<br>`RECTO_CACHE__NEGATIVE` | time | `\"30 s\"` | How long a failure is remembered. |",
        "| `cache.eviction`<br>`RECTO_CACHE__EVICTION` | `\"least-recent\"` (Oldest use first), `\"least-frequent\"` (Rarest use first) | `\"least-recent\"` | What happens at the limit. |",
        "| `cache.hosts`<br>`RECTO_CACHE__HOSTS` | list of text | `[]` |  |",
        "| `sources.<name>.path` | text | `\"\"` | Where it is. |",
        "| `rules.pattern` | text | `\"\"` | What it matches. |",
    ] {
        assert!(table.lines().any(|have| have == line), "{line}\nis not in\n{table}");
    }
}

#[test]
fn the_schema_forbids_unknown_keys_and_keeps_the_order_of_the_fields() {
    let schema = json_schema::<Options>();
    assert_eq!(schema["additionalProperties"], false);
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["listen", "base_url", "cache", "tls", "sources", "rules"]);
    assert_eq!(schema["$defs"]["Cache"]["properties"]["max_disk"]["x-applies"], "on reload");
}
