//! A store of objects across a network, as object stores answer: ranges, entity tags, conditions, and some time before each answer.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Gives the bytes of an object from a position on.
pub type Fill = Arc<dyn Fn(u64, &mut [u8]) + Send + Sync>;

/// An object.
#[derive(Clone)]
pub struct Object {
    /// Length in bytes.
    pub length: u64,
    /// Its bytes.
    pub fill: Fill,
    /// Its entity tag, with its quotation marks.
    pub etag: Option<String>,
    /// Ranges of it are given; else always all of it.
    pub has_ranges: bool,
    /// Whoever asks for a range is refused with 403.
    pub refuses_ranges: bool,
}

impl Object {
    /// An object of these bytes.
    pub fn of(bytes: Vec<u8>, etag: &str) -> Self {
        let length = bytes.len() as u64;
        let fill: Fill = Arc::new(move |offset, buffer| {
            buffer.copy_from_slice(&bytes[offset as usize..][..buffer.len()]);
        });
        Self { length, fill, etag: Some(etag.to_owned()), has_ranges: true, refuses_ranges: false }
    }
}

/// Where a path leads on to.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// The status: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// `Location`.
    pub target: String,
    /// `Cache-Control`, if it is not empty.
    pub cache_control: String,
}

/// What was asked for and given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The path.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
    /// Position of its first byte.
    pub offset: u64,
    /// Bytes of its body.
    pub bytes: u64,
}

#[derive(Default)]
struct Shared {
    objects: Mutex<HashMap<String, Object>>,
    redirects: Mutex<HashMap<String, Redirect>>,
    given: Mutex<Vec<Given>>,
    latency: Mutex<Duration>,
    connections: AtomicUsize,
    gate: Mutex<Gate>,
    opened: Condvar,
}

/// What answers pass.
#[derive(Default)]
struct Gate {
    is_shut: bool,
    waiting: usize,
}

/// Holds back all answers of a store; they go on once it is dropped.
pub struct HeldBack<'s>(&'s Store);

impl HeldBack<'_> {
    /// How many have been asked for that are held back.
    pub fn count(&self) -> usize {
        locked(&self.0.shared.gate).waiting
    }
}

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        locked(&self.0.shared.gate).is_shut = false;
        self.0.shared.opened.notify_all();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store. Its threads end with the process.
pub struct Store {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Store {
    /// A store that begins each answer after so long.
    ///
    /// # Panics
    /// When there is no port to be had.
    pub fn new(latency: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { latency: Mutex::new(latency), ..Shared::default() });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                of_thread.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&of_thread);
                // Whoever was asking may have gone.
                thread::spawn(move || drop(serve(&shared, &stream)));
            }
        });
        Self { address, shared }
    }

    /// The URL of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Puts an object there, or another one in its place.
    pub fn put(&self, path: &str, object: Object) {
        locked(&self.shared.objects).insert(path.to_owned(), object);
    }

    /// Takes an object away, or what leads on.
    pub fn remove(&self, path: &str) {
        locked(&self.shared.objects).remove(path);
        locked(&self.shared.redirects).remove(path);
    }

    /// Leads on from a path from now on, whatever object is there.
    pub fn redirect(&self, path: &str, redirect: Redirect) {
        locked(&self.shared.redirects).insert(path.to_owned(), redirect);
    }

    /// Holds back every answer that has not begun, until what this gives is dropped.
    pub fn hold_back(&self) -> HeldBack<'_> {
        locked(&self.shared.gate).is_shut = true;
        HeldBack(self)
    }

    /// Each answer begins after so long from now on.
    pub fn set_latency(&self, latency: Duration) {
        *locked(&self.shared.latency) = latency;
    }

    /// Connections that were made since this was asked last.
    pub fn connections(&self) -> usize {
        self.shared.connections.swap(0, Ordering::Relaxed)
    }

    /// What was given since this was asked last.
    pub fn given(&self) -> Vec<Given> {
        std::mem::take(&mut locked(&self.shared.given))
    }
}

fn serve(shared: &Shared, stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let latency = *locked(&shared.latency);
        thread::sleep(latency);
        pass(shared);
        answer(shared, stream, &head)?;
    }
}

/// Waits while answers are held back.
fn pass(shared: &Shared) {
    let mut gate = locked(&shared.gate);
    gate.waiting += 1;
    let waited = shared.opened.wait_while(gate, |gate| gate.is_shut);
    waited.unwrap_or_else(PoisonError::into_inner).waiting -= 1;
}

fn answer(shared: &Shared, mut stream: &TcpStream, head: &str) -> std::io::Result<()> {
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let field = |name: &str| {
        let named = head.lines().filter_map(|line| line.split_once(':'));
        named.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next_back()
    };
    let object = locked(&shared.objects).get(&path).cloned();
    let give = |status: u16, offset: u64, bytes: u64| {
        locked(&shared.given).push(Given { path: path.clone(), status, offset, bytes });
    };
    let redirect = locked(&shared.redirects).get(&path).cloned();
    if let Some(Redirect { status, target, cache_control }) = redirect {
        give(status, 0, 0);
        let control = match cache_control.as_str() {
            "" => String::new(),
            control => format!("Cache-Control: {control}\r\n"),
        };
        let head = format!("HTTP/1.1 {status} So\r\nLocation: {target}\r\n{control}Content-Length: 0\r\n\r\n");
        return stream.write_all(head.as_bytes());
    }
    let Some(object) = object else {
        give(404, 0, 0);
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    if object.refuses_ranges && field("range").is_some() {
        give(403, 0, 0);
        return stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    }
    let etag = object.etag.as_deref();
    let tag = etag.map(|etag| format!("ETag: {etag}\r\n")).unwrap_or_default();
    let status = if field("if-match").is_some_and(|asked| Some(asked) != etag) {
        412
    } else if etag.is_some() && field("if-none-match") == etag {
        304
    } else {
        200
    };
    if status != 200 {
        give(status, 0, 0);
        let length = if status == 412 { "Content-Length: 0\r\n" } else { "" };
        return stream.write_all(format!("HTTP/1.1 {status} So\r\n{tag}{length}\r\n").as_bytes());
    }
    let is_same = field("if-range").is_none_or(|asked| Some(asked) == etag);
    let range = field("range").filter(|_| object.has_ranges && is_same).and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let last = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
        Some((first.parse::<u64>().ok()?, last.min(object.length.saturating_sub(1))))
    });
    let (status, first, count) = match range {
        Some((first, last)) if first <= last && first < object.length => (206, first, last - first + 1),
        Some(_) => {
            give(416, 0, 0);
            return stream.write_all(b"HTTP/1.1 416 Not There\r\nContent-Length: 0\r\n\r\n");
        }
        None => (200, 0, object.length),
    };
    let place = match status {
        206 => format!("Content-Range: bytes {first}-{}/{}\r\n", first + count - 1, object.length),
        _ => String::new(),
    };
    let head = format!("HTTP/1.1 {status} So\r\n{tag}{place}Content-Length: {count}\r\n\r\n");
    give(status, first, count);
    stream.write_all(head.as_bytes())?;
    let mut buffer = vec![0; 256 << 10];
    let (mut at, end) = (first, first + count);
    while at < end {
        let some = buffer.len().min((end - at) as usize);
        (object.fill)(at, &mut buffer[..some]);
        stream.write_all(&buffer[..some])?;
        at += some as u64;
    }
    Ok(())
}
