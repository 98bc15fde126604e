use super::super::address::Prefixes;
use super::super::client::{Limits, Validators};
use super::*;

const BLOCK: u64 = 4096;

/// A file of 1 MiB of which 4 bytes have come, put into `file`.
fn stay(copies: &Arc<Copies>, file: File) -> Arc<Parts> {
    let address = Address::parse("https://a.org/1").unwrap();
    let (etag, minute) = ("\"1\"", Duration::from_mins(1));
    let validators = Validators { etag: Some(etag.to_owned()), last_modified: None };
    let begun = Begun { bytes: b"II*\0".to_vec(), length: 1 << 20, validators: validators.clone(), way: None };
    let limits = Limits::new(Duration::from_secs(1), 1000, "source.remote.max_file");
    let (client, readers) = (Arc::new(Client::new(Prefixes::default(), limits)), Arc::new(Readers::new()));
    let begin = |place: (&Path, String, Arc<Life>)| -> Result<Parts, FetchError> {
        let parts = Parts::begin((&client, &readers), &address, &begun, etag, place)?;
        Ok(Parts { file, ..parts })
    };
    let version = version_of(&address, etag, begun.length);
    let kept = copies.stay(&address, version, validators, minute, begin).unwrap();
    Arc::clone(kept.parts.as_ref().unwrap())
}

#[test]
fn what_was_counted_for_a_write_that_failed_is_given_back() {
    let place = tempfile::tempdir().unwrap();
    let copies = Arc::new(Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap());
    let not_to_be_written = tempfile::NamedTempFile::new().unwrap();
    let parts = stay(&copies, File::open(not_to_be_written.path()).unwrap());
    let range = ByteRange::new(4 * BLOCK, 60 * BLOCK);
    assert!(!parts.keep(range, &vec![7; 60 * BLOCK as usize]));
    assert!(!parts.is_present(range) && parts.is_full());
    // There are 2 blocks for the beginning. With 61 more still counted, these would have no room.
    assert!(copies.grow("https://a.org/1", &parts.id, 90 * BLOCK).is_some());
}

#[test]
fn what_had_to_make_room_before_it_was_written_is_not_written() {
    let place = tempfile::tempdir().unwrap();
    let copies = Arc::new(Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap());
    let parts = stay(&copies, tempfile::tempfile().unwrap());
    let range = ByteRange::new(4 * BLOCK, 10 * BLOCK);
    assert!(parts.keep(range, &vec![7; 10 * BLOCK as usize]) && parts.is_present(range));
    let mut bytes = [0; 9];
    assert!(parts.fill(4 * BLOCK, &mut bytes, &[]).unwrap() && bytes == [7; 9]);
    // Others need all that there is.
    drop(copies.begin(Some(98 * BLOCK)).unwrap());
    assert!(!parts.is_present(range) && !parts.is_present(ByteRange::new(0, 1)));
    assert!(!parts.fill(4 * BLOCK, &mut bytes, &[]).unwrap(), "no byte of it is made up");
    assert!(!parts.keep(range, &vec![7; 10 * BLOCK as usize]), "it has no place any more");
    // What is in nobody's file is read from hand.
    assert!(parts.fill(4 * BLOCK, &mut bytes, &[(4 * BLOCK - 1, vec![8; 10])]).unwrap() && bytes == [8; 9]);
    assert_eq!(parts.file.metadata().unwrap().len(), 1 << 20);
}
