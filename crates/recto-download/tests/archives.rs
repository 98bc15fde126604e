//! ZIP archives as others unpack them.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod support;

use std::io::{self, Cursor, Read};

use recto_download::DownloadError;
use recto_download::zip::{Method, Papers, ZipWriter, page_name};

/// Gives some bytes, then fails.
struct Failing(&'static [u8]);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.0.read(buffer)
    }
}

fn archive() -> Vec<u8> {
    let mut zip = ZipWriter::new(Vec::new());
    zip.papers(&Papers { manifest: Some(b"{}"), readme: Some("Lies mich: ä"), license: Some("CC0") }).unwrap();
    assert_eq!(zip.bytes(&page_name(1, 2, "f. 1r", "jpg"), Method::Store, &[7; 5000]).unwrap(), "0001_f._1r.jpg");
    zip.file("../頁/é.tif", &mut Cursor::new(vec![9; 100_000])).unwrap();
    zip.stream("text.txt", Method::Deflate, &mut io::repeat(b'x').take(200_000)).unwrap();
    zip.stream("stored.bin", Method::Store, &mut &b"abc"[..]).unwrap();
    assert_eq!(zip.stream("TEXT.txt", Method::Store, &mut &b""[..]).unwrap(), "TEXT_2.txt");
    let error = zip.stream("broken.bin", Method::Deflate, &mut Failing(b"half")).unwrap_err();
    assert!(matches!(error, DownloadError::Read { ref name, .. } if name == "broken.bin"), "{error}");
    zip.bytes("last", Method::Store, b"").unwrap();
    assert_eq!(zip.entry_count(), 10);
    zip.finish().unwrap()
}

#[test]
fn others_unpack_what_was_written() {
    let bytes = archive();
    assert_eq!(bytes, archive());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    std::fs::write(&path, &bytes).unwrap();
    if let Some((ok, out, talk)) = support::run("unzip", &["-t", path.to_str().unwrap()]) {
        assert!(ok, "{}{talk}", String::from_utf8_lossy(&out));
    }
    let script = "import sys,zipfile\n\
        z=zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        for i in z.infolist(): print(i.filename, i.file_size, i.compress_type, i.date_time[0])\n\
        assert z.read('text.txt')==b'x'*200000 and z.read('broken.bin')==b'half'\n\
        assert z.read('README.txt').decode()=='Lies mich: ä'\n";
    if let Some((ok, out, talk)) = support::run("python3", &["-X", "utf8", "-c", script, path.to_str().unwrap()]) {
        assert!(ok, "{talk}");
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out.lines().collect::<Vec<_>>(),
            [
                "manifest.json 2 8 1980",
                "README.txt 13 8 1980",
                "LICENSE.txt 3 8 1980",
                "0001_f._1r.jpg 5000 0 1980",
                "頁/é.tif 100000 0 1980",
                "text.txt 200000 8 1980",
                "stored.bin 3 0 1980",
                "TEXT_2.txt 0 0 1980",
                "broken.bin 4 8 1980",
                "last 0 0 1980"
            ]
        );
    }
}

#[test]
fn more_files_than_sixteen_bits_count_are_listed() {
    let mut zip = ZipWriter::new(Vec::new());
    for number in 0..66_000 {
        zip.bytes(&format!("{number}"), Method::Store, b"x").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    std::fs::write(&path, zip.finish().unwrap()).unwrap();
    let script = "import sys,zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
    if let Some((ok, out, talk)) = support::run("python3", &["-c", script, path.to_str().unwrap()]) {
        assert!(ok, "{talk}");
        assert_eq!(String::from_utf8(out).unwrap().trim(), "66000");
    }
}

#[test]
#[ignore = "writes five gigabytes: some minutes"]
fn files_and_archives_beyond_four_gigabytes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let mut zip = ZipWriter::new(std::io::BufWriter::new(std::fs::File::create(&path).unwrap()));
    zip.stream("great.bin", Method::Store, &mut io::repeat(0).take(5 << 30)).unwrap();
    zip.bytes("behind.txt", Method::Deflate, b"here").unwrap();
    zip.finish().unwrap();
    let script = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nprint(z.getinfo('great.bin').file_size, z.read('behind.txt').decode())";
    if let Some((ok, out, talk)) = support::run("python3", &["-c", script, path.to_str().unwrap()]) {
        assert!(ok, "{talk}");
        assert_eq!(String::from_utf8(out).unwrap().trim(), "5368709120 here");
    }
}
