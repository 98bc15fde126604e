//! A running server, and a client that sends exactly what a test says.

pub(crate) mod alto;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

/// A library folder and a state directory.
pub(crate) struct Library {
    pub(crate) folder: TempDir,
    pub(crate) state: TempDir,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), state: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of these bytes, in folders made for it.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// A PNG whose pixel values are their coordinates: red is x and green is y, modulo 256.
    pub(crate) fn put_png(&self, name: &str, width: u32, height: u32) -> &Self {
        self.put(name, &coded_png(width, height))
    }

    /// Starts a server on it, with a state directory of its own.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let state = tempfile::tempdir_in(self.state.path()).unwrap().keep();
        Server::start(self.folder.path(), &state, arguments)
    }

    /// Starts a server on it that finds what an earlier one left behind.
    pub(crate) fn serve_again(&self, arguments: &[&str]) -> Server {
        let state = self.state.path().join("kept");
        fs::create_dir_all(&state).unwrap();
        Server::start(self.folder.path(), &state, arguments)
    }

    /// Every path, length and time below the folder: equal before and after, if nothing was written.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, u64, SystemTime)> {
        let mut found = Vec::new();
        let mut todo = vec![self.folder.path().to_owned()];
        while let Some(path) = todo.pop() {
            let metadata = fs::symlink_metadata(&path).unwrap();
            found.push((path.clone(), metadata.len(), metadata.modified().unwrap()));
            if metadata.is_dir() {
                todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        found.sort();
        found
    }
}

pub(crate) fn coded_png(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([x as u8, y as u8, ((x >> 8) << 4 | (y >> 8)) as u8])
    });
    let mut bytes = Vec::new();
    image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(folder: &Path, state: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_recto"))
            .arg("serve")
            .arg(folder)
            .args(["--listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .args(arguments)
            .current_dir(state)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let address = loop {
            let Some(line) = lines.next() else { panic!("the server did not start: {:?}", log.lock().unwrap()) };
            let line = line.unwrap();
            let listening = line.split("listening on ").nth(1).map(str::to_owned);
            log.lock().unwrap().push(line);
            if let Some(address) = listening {
                break address.trim().parse().unwrap();
            }
        };
        let keep = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().unwrap().push(line);
            }
        });
        Self { child, address, log }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// No panic, no error, no warning was logged.
    pub(crate) fn assert_clean_log(&self) {
        let bad: Vec<_> = self
            .log()
            .into_iter()
            .filter(|line| line.contains("panicked") || line.contains("ERROR") || line.contains(" WARN"))
            .collect();
        assert!(bad.is_empty(), "the log is not clean: {bad:#?}");
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        self.send(text.as_bytes(), method == "HEAD").unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends these very bytes and reads one answer.
    pub(crate) fn send(&self, bytes: &[u8], is_head: bool) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        stream.write_all(bytes)?;
        let mut received = Vec::new();
        stream.read_to_end(&mut received)?;
        Answer::parse(&received, is_head)
            .ok_or_else(|| std::io::Error::other(format!("no answer: {:?}", String::from_utf8_lossy(&received))))
    }

    /// Asks to stop and waits for the end.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A connection that stays open.
pub(crate) struct Session {
    stream: TcpStream,
    host: SocketAddr,
    received: Vec<u8>,
}

impl Session {
    pub(crate) fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { stream, host: server.address, received: Vec::new() }
    }

    pub(crate) fn request(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let fields: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", self.host)
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask(path, &[])
    }

    pub(crate) fn ask(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.write(self.request(path, headers).as_bytes());
        self.read()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next answer; its body is as long as it says.
    pub(crate) fn read(&mut self) -> Answer {
        loop {
            if let Some(head) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&self.received[..head]).to_ascii_lowercase();
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                let end = head + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
                if self.received.len() >= end {
                    let rest = self.received.split_off(end);
                    let answer = std::mem::replace(&mut self.received, rest);
                    return Answer::parse(&answer, false).unwrap();
                }
            }
            let mut buffer = [0; 1 << 14];
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection ended: {:?}", String::from_utf8_lossy(&self.received));
            self.received.extend_from_slice(&buffer[..count]);
        }
    }
}

/// An answer, headers by lower-case name.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(received: &[u8], is_head: bool) -> Option<Self> {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&received[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers: HashMap<String, String> = HashMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            headers
                .entry(name.to_ascii_lowercase())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(value.trim());
                })
                .or_insert_with(|| value.trim().to_owned());
        }
        let mut body = received[end + 4..].to_vec();
        if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
            body = unchunk(&body)?;
        }
        if let Some(length) = headers.get("content-length").filter(|_| !is_head && status != 304) {
            assert_eq!(body.len(), length.parse::<usize>().ok()?, "the body is as long as announced");
        }
        if is_head {
            assert!(body.is_empty(), "HEAD has no body");
        }
        Some(Self { status, headers, body })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The picture in the body, whatever its format.
    pub(crate) fn image(&self) -> image::DynamicImage {
        assert_eq!(self.status, 200, "{}", self.text());
        image::load_from_memory(&self.body).unwrap()
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        let image = self.image();
        (image.width(), image.height())
    }
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(end + 2..end + 2 + length)?);
        bytes = bytes.get(end + 2 + length + 2..)?;
    }
}
