//! How fast a server searches a million pages, asked over HTTP by eight clients at once.
//!
//! ```text
//! cargo run --release -p recto-service --example texts -- make STATE --pages 1000000 --words FOLDER
//! recto serve EMPTY --state STATE --listen 127.0.0.1:8190 --set library.watch=false
//! cargo run --release -p recto-service --example texts -- ask 127.0.0.1:8190 --state STATE --words FOLDER --pid PID
//! ```
//!
//! `make` fills a state directory with objects whose text is drawn by chance from the words of a folder of ALTO files: books of 20 to
//! 1,200 pages, in collections of 500. `ask` measures queries of each kind, each a whole request with its answer.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at what it did not expect, and prints"
)]

mod ask;
#[path = "../../../recto-search/examples/million/corpus.rs"]
#[expect(dead_code, reason = "the other benchmark asks for more")]
mod corpus;
mod make;
#[path = "../../../recto-search/examples/million/queries.rs"]
mod queries;

use std::path::PathBuf;

/// What the command line says.
pub(crate) struct Options {
    place: String,
    state: PathBuf,
    words: Option<PathBuf>,
    pages: u32,
    seconds: f64,
    clients: usize,
    pid: Option<u32>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let deed = arguments.next().unwrap_or_default();
    let place = arguments.next().unwrap_or_default();
    let mut options = Options {
        state: PathBuf::from(&place),
        place,
        words: None,
        pages: 20_000,
        seconds: 5.0,
        clients: 8,
        pid: None,
    };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap();
        match argument.as_str() {
            "--state" => options.state = value.into(),
            "--words" => options.words = Some(value.into()),
            "--pages" => options.pages = value.parse().unwrap(),
            "--seconds" => options.seconds = value.parse().unwrap(),
            "--clients" => options.clients = value.parse().unwrap(),
            "--pid" => options.pid = value.parse().ok(),
            other => panic!("`{other}` is not known; --state --words --pages --seconds --clients --pid are"),
        }
    }
    match deed.as_str() {
        "make" => make::make(&options),
        "ask" => ask::ask(&options),
        other => panic!("`{other}` is not known; `make STATE` and `ask ADDRESS` are"),
    }
}
