use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;

/// Answers one request with the beginning of a file, then says nothing more until the other side leaves.
fn silent_origin() -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let origin = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
        assert!(stream.read(&mut head).is_ok_and(|count| count == 0));
    });
    (base, origin)
}

#[test]
fn an_origin_that_falls_silent_is_given_up() {
    let (base, origin) = silent_origin();
    let silence = Duration::from_millis(100);
    let limits = Limits { silence, ..Limits::new(Duration::from_secs(20), 1000, "source.remote.max_file") };
    let client = Client::new(Prefixes::parse(std::slice::from_ref(&base)).unwrap(), limits);
    let address = Address::parse(&format!("{base}a.jpg")).unwrap();
    let Ok(Answer::Found(mut incoming)) = client.get(&address, &Validators::default(), 0) else {
        panic!("no file is found");
    };
    assert_eq!(incoming.length, Some(10));
    let mut buffer = [0; 100];
    assert_eq!(incoming.read(&mut buffer).unwrap(), 3);
    let error = incoming.read(&mut buffer).unwrap_err();
    assert_eq!(error.to_string(), "waiting for a byte took longer than 100 ms");
    drop(incoming);
    origin.join().unwrap();
}
