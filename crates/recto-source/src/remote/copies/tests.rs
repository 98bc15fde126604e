use super::super::address::Prefixes;
use super::super::client::{Begun, Client, Limits};
use super::super::error::FetchError;
use super::super::readers::Readers;
use super::*;

#[test]
fn files_take_blocks_and_one_for_their_note() {
    for (length, want) in [(0, 4096), (1, 8192), (4096, 8192), (4097, 12288), (u64::MAX, u64::MAX)] {
        assert_eq!(footprint(length), want, "{length}");
    }
    for (keep, want) in [(0, 0), (4095, 0), (8192, 4096), (100_000, 94_208)] {
        assert_eq!(longest_within(keep), want, "{keep}");
        assert!(footprint(longest_within(keep)) <= keep.max(4096));
    }
}

fn write(copies: &Copies, path: &str, length: usize) -> Arc<Kept> {
    let mut part = copies.begin(None).unwrap();
    part.write(&vec![b'x'; length]).unwrap();
    let address = Address::parse(&format!("https://a.org/{path}")).unwrap();
    part.finish(&address, Validators::default(), Duration::from_mins(1)).unwrap()
}

#[test]
fn what_is_being_fetched_counts_and_the_least_recently_used_goes() {
    let place = tempfile::tempdir().unwrap();
    let copies = Copies::open(place.path().to_owned(), 10 * BLOCK, Duration::from_mins(1)).unwrap();
    let (first, second) = (write(&copies, "1", 4096 * 2), write(&copies, "2", 4096 * 2));
    assert_eq!(locked(&copies.state).taken, 6 * BLOCK);
    first.life.touch();
    let part = copies.begin(Some(4 * BLOCK)).unwrap();
    assert_eq!(locked(&copies.state).reserved, 5 * BLOCK);
    assert!(copies.get("https://a.org/1").is_some());
    assert!(copies.get("https://a.org/2").is_none());
    assert!(!copies.is_there(&second));
    assert!(!second.life.is_fresh());
    // There is nothing to gain by throwing out the rest.
    assert_eq!(copies.begin(Some(5 * BLOCK)).err().unwrap().to_string(), FetchError::NoRoom.to_string());
    assert!(copies.get("https://a.org/1").is_some());
    drop(part);
    assert_eq!(locked(&copies.state).reserved, 0);
    assert_eq!(locked(&copies.state).taken, 3 * BLOCK);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn the_same_content_again_keeps_the_file_and_other_content_replaces_it() {
    let place = tempfile::tempdir().unwrap();
    let copies = Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap();
    let first = write(&copies, "1", 10);
    let again = write(&copies, "1", 10);
    assert_eq!((&again.id, again.version, again.modified), (&first.id, first.version, first.modified));
    let other = write(&copies, "1", 11);
    assert_ne!(other.version, first.version);
    assert!(!first.life.is_fresh());
    let elsewhere = write(&copies, "2", 11);
    assert_ne!(elsewhere.version, other.version);
    assert_eq!(locked(&copies.state).taken, 4 * BLOCK);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 4);
}

#[test]
fn a_lower_bound_at_the_next_start_leaves_what_was_asked_for_last() {
    let place = tempfile::tempdir().unwrap();
    let copies = Copies::open(place.path().to_owned(), 100 * BLOCK, Duration::from_mins(1)).unwrap();
    write(&copies, "1", 10);
    std::thread::sleep(Duration::from_millis(5));
    write(&copies, "2", 10);
    let copies = Copies::open(place.path().to_owned(), 3 * BLOCK, Duration::from_mins(1)).unwrap();
    assert!(copies.get("https://a.org/1").is_none());
    assert!(copies.get("https://a.org/2").is_some_and(|kept| kept.life.is_fresh() && copies.is_there(&kept)));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

/// A file of 1 MiB that stays where it is, of which 4 bytes have come.
fn stay(copies: &Arc<Copies>, path: &str, tag: &str) -> Arc<Kept> {
    let address = Address::parse(&format!("https://a.org/{path}")).unwrap();
    let validators = Validators { etag: Some(tag.to_owned()), last_modified: None };
    let begun = Begun { bytes: b"II*\0".to_vec(), length: 1 << 20, validators: validators.clone(), way: None };
    let limits = Limits::new(Duration::from_secs(1), 1000, "source.remote.max_file");
    let (client, readers) = (Arc::new(Client::new(Prefixes::default(), limits)), Arc::new(Readers::new()));
    let begin = |place: (&Path, String, Arc<Life>)| Parts::begin((&client, &readers), &address, &begun, tag, place);
    let version = SourceVersion::of_text(&format!("{path} {tag}"));
    copies.stay(&address, version, validators, Duration::from_mins(1), begin).unwrap()
}

fn grow(copies: &Copies, kept: &Kept, blocks: u64) -> Option<u64> {
    copies.grow(kept.address.as_str(), &kept.id, blocks * BLOCK)
}

/// Blocks that count, by whatever they are taken.
fn used(copies: &Copies) -> u64 {
    locked(&copies.state).used() / BLOCK
}

fn staying(place: &Path, blocks: u64) -> Arc<Copies> {
    Arc::new(Copies::open(place.to_owned(), blocks * BLOCK, Duration::from_mins(1)).unwrap())
}

#[test]
fn parts_that_somebody_has_open_count_until_they_are_closed() {
    let place = tempfile::tempdir().unwrap();
    let copies = staying(place.path(), 100);
    let first = stay(&copies, "1", "\"1\"");
    let open = copies.read(&first).unwrap().unwrap();
    grow(&copies, &first, 10).unwrap();
    assert_eq!(used(&copies), 12);
    copies.forget(&first);
    drop(first);
    assert!(copies.get("https://a.org/1").is_none());
    assert_eq!(used(&copies), 12, "its blocks are on the disk still");
    // Another version takes its place, and goes in its turn.
    let second = stay(&copies, "1", "\"2\"");
    let third = stay(&copies, "1", "\"3\"");
    assert_eq!(used(&copies), 16);
    drop(second);
    assert_eq!(used(&copies), 14);
    open.read_at(0, &mut [0; 4]).unwrap();
    drop(open);
    assert_eq!(used(&copies), 2);
    copies.forget(&third);
    drop(third);
    assert_eq!(used(&copies), 0);
}

#[test]
fn space_that_is_needed_is_taken_of_parts_that_nobody_finds_then_of_those_not_used_for_longest() {
    let place = tempfile::tempdir().unwrap();
    let copies = staying(place.path(), 100);
    let (departed, older, newer) =
        (stay(&copies, "1", "\"1\""), stay(&copies, "2", "\"1\""), stay(&copies, "3", "\"1\""));
    let open = [&departed, &older, &newer].map(|kept| {
        grow(&copies, kept, 20).unwrap();
        copies.read(kept).unwrap().unwrap()
    });
    copies.forget(&departed);
    newer.life.touch();
    assert_eq!(used(&copies), 66);
    grow(&copies, &newer, 40).unwrap();
    let is_there = || open.each_ref().map(|open| open.try_read_at(0, &mut [0; 4]));
    assert_eq!(used(&copies), 22 + 62);
    assert!(!is_there()[0], "what was there is off the disk");
    let turn = grow(&copies, &newer, 30).unwrap();
    assert_eq!(used(&copies), 92);
    assert!(copies.get("https://a.org/2").is_none() && !is_there()[1]);
    open[2].read_at(0, &mut [0; 4]).unwrap();
    // What was not written after all is given back; what has no room in any case drives out nobody.
    copies.give_back(newer.parts.as_ref().unwrap(), turn, 30 * BLOCK);
    assert_eq!(used(&copies), 62);
    assert!(grow(&copies, &newer, 101).is_none());
    assert!(grow(&copies, &older, 1).is_none(), "it is not kept any more");
    assert_eq!(used(&copies), 62);
    // Taken up again, it begins anew and has what comes.
    let again = stay(&copies, "2", "\"1\"");
    assert_eq!((&again.id, used(&copies)), (&older.id, 62));
    again.parts.as_ref().unwrap().keep_beginning(b"II*\0");
    assert_eq!(used(&copies), 64);
    open[1].read_at(0, &mut [0; 4]).unwrap();
}
