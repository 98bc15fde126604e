//! A small HTTP server on a port of this machine that answers as a test says, and remembers what it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What one path answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Announced instead of the body's own length; `None` announces that.
    pub(crate) announced: Option<u64>,
    /// Announces no length at all.
    pub(crate) without_length: bool,
    /// Before the head is sent.
    pub(crate) pause: Duration,
    /// After each byte of the body.
    pub(crate) drip: Duration,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn redirect(target: impl Into<String>) -> Self {
        Self::status(302).header("Location", target)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn etag(self, tag: &str) -> Self {
        self.header("ETag", format!("\"{tag}\""))
    }
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    /// The heads of all requests, in small letters but for the first line.
    heads: Mutex<Vec<String>>,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
    ends: AtomicBool,
}

/// The server; it is down once this is dropped.
pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Origin {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ends.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || serve(&shared, &stream.unwrap()));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The URL of a path that begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        let start = format!("GET {path} ");
        self.shared.heads.lock().unwrap().iter().filter(|head| head.starts_with(&start)).count()
    }

    pub(crate) fn last_head(&self) -> String {
        self.shared.heads.lock().unwrap().last().unwrap().clone()
    }

    /// The most requests that were waiting for their answer at a time.
    pub(crate) fn most_busy(&self) -> usize {
        self.shared.most_busy.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.accepting.take().unwrap().join().unwrap();
        // D6, in every test that has an origin: originals are only read.
        if !thread::panicking() {
            let heads = self.shared.heads.lock().unwrap();
            let other = heads.iter().find(|head| !head.starts_with("GET ") && !head.starts_with("HEAD "));
            assert!(other.is_none(), "an origin was asked for more than to read: {other:?}");
        }
    }
}

fn serve(shared: &Shared, stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let mut head = first.clone();
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        head.push_str(&format!("\n{}", line.to_ascii_lowercase()));
    }
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let etag = head.lines().find_map(|line| line.strip_prefix("if-none-match: ")).map(str::to_owned);
    let since = head.lines().find_map(|line| line.strip_prefix("if-modified-since: ")).map(str::to_owned);
    shared.heads.lock().unwrap().push(head);
    let answer = shared.answers.lock().unwrap().get(&path).cloned().unwrap_or_else(|| Answer::status(404));
    let is_same = |name: &str, asked: &Option<String>| {
        let told = answer.headers.iter().find(|(given, _)| *given == name);
        told.zip(asked.as_ref()).is_some_and(|((_, told), asked)| told.to_ascii_lowercase() == *asked)
    };
    let is_unchanged = is_same("ETag", &etag) || (etag.is_none() && is_same("Last-Modified", &since));
    let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_busy.fetch_max(busy, Ordering::SeqCst);
    thread::sleep(answer.pause);
    // Before the answer: whoever has it may ask for the next at once.
    shared.busy.fetch_sub(1, Ordering::SeqCst);
    // Whoever was asking may have gone; that is what some tests are about.
    let _ = send(stream, &answer, is_unchanged);
}

fn send(mut stream: &TcpStream, answer: &Answer, is_unchanged: bool) -> std::io::Result<()> {
    let status = if is_unchanged { 304 } else { answer.status };
    let mut head = format!("HTTP/1.1 {status} Said So\r\nConnection: close\r\n");
    if !answer.without_length && !is_unchanged {
        head.push_str(&format!("Content-Length: {}\r\n", answer.announced.unwrap_or(answer.body.len() as u64)));
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if is_unchanged {
        return Ok(());
    }
    if answer.drip.is_zero() {
        return stream.write_all(&answer.body);
    }
    for byte in &answer.body {
        stream.write_all(std::slice::from_ref(byte))?;
        thread::sleep(answer.drip);
    }
    Ok(())
}
