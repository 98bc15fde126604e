//! Asks a server, and tells how long it took.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use recto_catalog::{Catalog, ItemKind};
use recto_iiif::identifier::Identifier;
use recto_testkit::Rng;

use crate::Options;
use crate::corpus::Corpus;
use crate::queries::{KINDS, query};

/// One open connection.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// The body of an answer that has to be 200.
    fn get(&mut self, path: &str) -> Vec<u8> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut length, mut line) = (0, String::new());
        self.stream.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{path}: {line}");
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        body
    }
}

pub(crate) fn ask(options: &Options) {
    let corpus = Corpus::new(options.words.as_deref(), 300);
    let catalog = Catalog::open(&options.state.join("catalogue.sqlite")).unwrap();
    let mut objects = Vec::new();
    let mut shelves = Vec::new();
    for shelf in catalog.members("", Some(ItemKind::Collection), 0, 10_000).unwrap() {
        objects.extend(catalog.members(&shelf.path, Some(ItemKind::Manifest), 0, 10_000).unwrap());
        shelves.push(shelf.identifier);
    }
    let number = |identifier: &str| identifier.rsplit('o').next().unwrap().parse::<u32>().unwrap();
    let all: Vec<(String, u32)> = objects.iter().map(|one| (one.identifier.clone(), number(&one.identifier))).collect();
    let large: Vec<(String, u32)> = objects
        .iter()
        .map(|one| (one.identifier.clone(), number(&one.identifier)))
        // What the catalogue says of pages is what the server found in their files, of which there are none.
        .filter(|(_, number)| Corpus::length(*number, u32::MAX) >= 1000)
        .collect();
    let shelves: Vec<(String, u32)> = shelves.into_iter().map(|shelf| (shelf, 0)).collect();
    println!("{} objects, {} of 1,000 pages and more, {} collections", all.len(), large.len(), shelves.len());
    for (what, scope, places) in [
        ("an object", "manifest", &all),
        ("a book of 1,000 pages", "manifest", &large),
        ("a collection of 500 objects", "collection", &shelves),
        ("everything", "collection", &vec![("all".to_owned(), 0)]),
    ] {
        if !places.is_empty() {
            measure(what, scope, places, &corpus, options);
        }
    }
}

fn measure(what: &str, scope: &str, places: &[(String, u32)], corpus: &Corpus, options: &Options) {
    println!("{what}, {} clients: p50 / p99 / worst in ms", options.clients);
    for (kind, name) in KINDS.iter().enumerate() {
        let times = Mutex::new(Vec::new());
        let busy_before = options.pid.map_or(0, busy_ticks);
        let bytes = AtomicU64::new(0);
        std::thread::scope(|threads| {
            for client in 0..options.clients {
                let (times, bytes) = (&times, &bytes);
                threads.spawn(move || {
                    let mut connection = Client::new(&options.place);
                    let mut rng = Rng::new((kind * 100 + client) as u64 + 17);
                    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
                    let mut own = Vec::new();
                    while Instant::now() < until {
                        let (place, number) = &places[rng.below(places.len() as u32) as usize];
                        let language =
                            if scope == "manifest" { Corpus::language_of(*number) } else { rng.below(4) as usize };
                        let typed = query(kind, language, corpus, &mut rng);
                        let end = if *name == "autocomplete" { "/autocomplete" } else { "" };
                        let path = format!(
                            "/iiif/search/2/{}/{scope}{end}?q={}",
                            Identifier::new(place.as_str()).encoded(),
                            Identifier::new(typed.as_str()).encoded()
                        );
                        let began = Instant::now();
                        let body = connection.get(&path);
                        own.push(began.elapsed());
                        bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                    }
                    times.lock().unwrap().extend(own);
                });
            }
        });
        let mut times = times.into_inner().unwrap();
        times.sort_unstable();
        let at = |part: f64| times[((times.len() as f64 * part) as usize).min(times.len() - 1)].as_secs_f64() * 1e3;
        // The system counts in hundredths of a second.
        let busy_ms = options.pid.map_or(0, busy_ticks).saturating_sub(busy_before) as f64 * 10.0;
        println!(
            "  {name:18} {:8.2} / {:8.2} / {:8.2}   {} answers of {} kB, {:.2} ms of a processor each",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len(),
            bytes.load(Ordering::Relaxed) / 1024 / times.len() as u64,
            busy_ms / times.len() as f64
        );
    }
    if let Some(pid) = options.pid {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
        };
        println!("  resident {} MB, of these {} MB in files that are mapped", of("VmRSS"), of("RssFile"));
    }
}

/// Time that a process has had of a processor, in the system's ticks.
fn busy_ticks(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name before may hold anything; user and system time are the twelfth and thirteenth behind it.
    let fields = status.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}
