//! How fast a million pages are searched: `cargo run --release -p recto-search --example million -- --words FOLDER --pages 20000`.
//!
//! Makes a corpus from the words of a folder of ALTO files, keeps the blobs in a SQLite file as a server would, and measures queries
//! of each kind beside `MATCH` of an FTS5 table of the same pages. With `--cpu` times are those of the thread, for a machine that does other things.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at what it did not expect, and prints"
)]

mod clock;
mod corpus;
mod measure;
mod queries;
mod store;

use std::path::PathBuf;

use clock::Instant;
use corpus::Corpus;
use store::Store;

/// What the command line says.
struct Options {
    words: Option<PathBuf>,
    pages: u32,
    words_a_page: u32,
    queries: usize,
    folder: PathBuf,
    with_full_text: bool,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            words: None,
            pages: 2000,
            words_a_page: 300,
            queries: 100,
            folder: std::env::temp_dir().join("recto-million"),
            with_full_text: true,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap();
            match argument.as_str() {
                "--words" => options.words = Some(value().into()),
                "--pages" => options.pages = value().parse().unwrap(),
                "--words-a-page" => options.words_a_page = value().parse().unwrap(),
                "--queries" => options.queries = value().parse().unwrap(),
                "--folder" => options.folder = value().into(),
                "--cpu" => clock::count_cpu(),
                "--no-fts5" => options.with_full_text = false,
                other => {
                    panic!(
                        "`{other}` is not known; --words --pages --words-a-page --queries --folder --cpu --no-fts5 are"
                    )
                }
            }
        }
        options
    }
}

fn main() {
    let options = Options::read();
    let corpus = Corpus::new(options.words.as_deref(), options.words_a_page);
    println!("times are {}", clock::name());
    println!("words: {} real ones, {} in all languages", corpus.real_words(), corpus.vocabulary());
    std::fs::create_dir_all(&options.folder).unwrap();
    let mut store = Store::create(&options.folder, options.with_full_text);
    let started = Instant::now();
    let mut objects = 0;
    let mut pages = 0;
    let mut costs = store::Costs::default();
    while pages < options.pages {
        let object = corpus.object(objects, options.pages - pages);
        pages += object.pages.len() as u32;
        store.add(objects, &object, &mut costs);
        objects += 1;
    }
    let shards = store.finish(objects, &mut costs);
    println!("{objects} objects, {pages} pages, {} words in {:.1} s", costs.words, started.elapsed().as_secs_f64());
    costs.print(&store);
    measure::objects(&store, &corpus, objects, options.queries);
    measure::collections(&store, &corpus, &shards, objects, options.queries);
    measure::resident();
}
