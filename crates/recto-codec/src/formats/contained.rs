//! Decoders whose failure would end the process run in a child of it: a crash, a hang or a flood of memory there costs one request.
//!
//! The child is the same program. It must call [`run_contained`] first of all when its first argument is [`CONTAINED`]; a program
//! says with [`contain_with`] that it does. Without that (in tests, in other programs) these decoders run in place: for files of
//! strangers, a program should say it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::{Control, DecodeError};

/// First argument of a child that decodes.
pub const CONTAINED: &str = "contained-decoder";

/// Processor time of a child that decodes, in seconds.
const MOST_SECONDS: u64 = 20;

/// How often a parent that waits looks whether its own time is up.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Memory of a child in bytes beside what the pixels of its job may take.
pub(super) const OWN_BYTES: u64 = 1 << 30;

/// What a child is told of its surroundings: where libraries and fonts lie that are loaded while it runs.
const PASSED_ON: [&str; 7] = [
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LIBHEIF_PLUGIN_PATH",
    "FONTCONFIG_FILE",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on such decoders run in children of this program.
pub fn contain_with(program: PathBuf) {
    // The first word counts; all come from the same program.
    let _set = PROGRAM.set(program);
}

/// The life of a child: reads what to decode from its input, writes the samples to its output (of a drawing, what parsing it
/// took). `arguments` are those behind [`CONTAINED`]. The result is the program's exit code.
pub fn run_contained(arguments: impl Iterator<Item = OsString>) -> u8 {
    let words: Vec<String> = arguments.filter_map(|word| word.into_string().ok()).collect();
    let [decoder, most] = words.as_slice() else { return 2 };
    let Ok(most) = most.parse::<u32>() else { return 2 };
    let limit = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
    let seconds = if decoder == "svg" { super::svg::TRIAL_SECONDS } else { MOST_SECONDS };
    let memory = OWN_BYTES.saturating_add(u64::from(most).saturating_mul(24));
    // A second more is never had: at the first limit the signal comes that tells of it.
    let time = Rlimit { current: Some(seconds), maximum: Some(seconds + 1) };
    if setrlimit(Resource::Cpu, time).is_err() || setrlimit(Resource::As, limit(memory)).is_err() {
        return 2;
    }
    // One that ends at a limit is no reason to write all its memory to disk. Where the system does not take that, it may.
    let _without_dump = setrlimit(Resource::Core, limit(0));
    let mut given = Vec::new();
    if io::stdin().lock().read_to_end(&mut given).is_err() {
        return 2;
    }
    let answer = match decoder.as_str() {
        "av1" => super::avif::decode_contained(&given, most),
        "heic" => super::heic::decode_contained(&given),
        "svg" => super::svg::try_contained(&given),
        _ => return 2,
    };
    u8::from(io::stdout().lock().write_all(&answer).is_err())
}

/// Why there is no answer of a child.
pub(super) enum Failure {
    /// The request is over.
    Stopped(DecodeError),
    /// The child died of what it was given, in words.
    Child(String),
    /// It does not start, or was ended by another: the system has no memory or no process more, now.
    Passing(io::Error),
}

/// Has `given` decoded by a child whose answer is shorter than `most_bytes`, and that may have memory for `most_pixels` beside
/// [`OWN_BYTES`]. `None` when decoders run in place here. The child is ended when `control` says so.
pub(super) fn decode(
    decoder: &str,
    most_pixels: u32,
    given: &[u8],
    most_bytes: u64,
    control: &Control,
) -> Option<Result<Vec<u8>, Failure>> {
    let writer = thread::Builder::new().name("to-child".to_owned());
    Some(run(PROGRAM.get()?, decoder, most_pixels, given, writer, most_bytes, control))
}

/// `writer` is the thread that gives the child its input, while the answer is read here: neither waits for the other.
fn run(
    program: &PathBuf,
    decoder: &str,
    most_pixels: u32,
    given: &[u8],
    writer: thread::Builder,
    most_bytes: u64,
    control: &Control,
) -> Result<Vec<u8>, Failure> {
    let passing = |what: String| Failure::Passing(io::Error::new(io::ErrorKind::ResourceBusy, what));
    let failed = |what: &str, error: io::Error| passing(format!("the {decoder} decoder {what}: {error}"));
    let mut child = Command::new(program)
        .args([CONTAINED, decoder, &most_pixels.to_string()])
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        // The program's allocator sets memory aside in pieces of this size: by itself, more than the child may have.
        .env("MIMALLOC_ARENA_RESERVE", "64MiB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("does not start", error))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut answer = Vec::new();
    let read = thread::scope(|scope| {
        // A child that ended does not read; that shows in its answer.
        let written = writer.spawn_scoped(scope, move || input.map(|mut input| input.write_all(given)));
        let read = match (written, output) {
            (Err(error), _) => Ok(Err(failed("has no thread to be given the file", error))),
            (Ok(_), Some(output)) => {
                collect(output, &mut answer, most_bytes, control).map(|ended| ended.map_err(Failure::Stopped))
            }
            (Ok(_), None) => Ok(Ok(())),
        };
        if !matches!(read, Ok(Ok(()))) || answer.len() as u64 >= most_bytes {
            // It is ended either way; whether it had ended already does not matter. The thread that writes to it ends as well.
            let _killed = child.kill();
        }
        read
    });
    let status = child.wait().map_err(|error| failed("is lost", error))?;
    match read {
        Ok(Ok(())) if status.success() && !answer.is_empty() => Ok(answer),
        Ok(Err(failure)) => Err(failure),
        // The limits of the child end it with other signals. This one is sent from outside where memory runs out.
        Ok(Ok(())) if status.signal() == Some(Signal::KILL.as_raw()) && (answer.len() as u64) < most_bytes => {
            Err(passing(format!("the {decoder} decoder was ended from outside")))
        }
        _ => Err(Failure::Child(format!("the {decoder} decoder ended before it was done ({status})"))),
    }
}

/// Reads to the end, to the limit, or until `control` ends it: the inner error.
fn collect(
    mut output: ChildStdout,
    answer: &mut Vec<u8>,
    most_bytes: u64,
    control: &Control,
) -> io::Result<Result<(), DecodeError>> {
    let mut piece = vec![0; 256 << 10];
    while (answer.len() as u64) < most_bytes {
        if let Err(stopped) = control.check() {
            return Ok(Err(stopped));
        }
        match poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&GLANCE)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match output.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of the system in place of this one: it is given the same words.
    fn with(program: &str, most_bytes: u64, control: &Control) -> Result<Vec<u8>, Failure> {
        with_writer(program, thread::Builder::new(), most_bytes, control)
    }

    fn with_writer(
        program: &str,
        writer: thread::Builder,
        most_bytes: u64,
        control: &Control,
    ) -> Result<Vec<u8>, Failure> {
        run(&PathBuf::from(program), "heic", 5, &vec![7; 1 << 20], writer, most_bytes, control)
    }

    #[test]
    fn a_child_answers_or_it_is_told_how_it_ended() {
        let control = Control::default();
        let Ok(answer) = with("/bin/echo", 100, &control) else { panic!("no answer") };
        assert_eq!(answer, b"contained-decoder heic 5\n");
        for (what, program) in [
            // It finds no such script.
            ("does not do its job", "/bin/sh"),
            ("answers without end", "/usr/bin/yes"),
            ("is not there", "/nowhere/recto"),
        ] {
            match with(program, 1 << 20, &control) {
                Err(Failure::Child(told)) => assert!(told.contains("the heic decoder"), "{what}: {told}"),
                Err(Failure::Passing(error)) => {
                    assert_eq!(what, "is not there");
                    assert!(error.to_string().contains("the heic decoder"), "{error}");
                }
                Err(Failure::Stopped(error)) => panic!("{what}: {error}"),
                Ok(answer) => panic!("{what}: {} bytes", answer.len()),
            }
        }
    }

    #[test]
    fn a_system_without_a_thread_left_costs_one_request_that_may_be_tried_again() {
        // No system has such a stack for it.
        let writer = thread::Builder::new().stack_size(1 << 60);
        match with_writer("/usr/bin/yes", writer, u64::MAX, &Control::default()) {
            Err(Failure::Passing(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
                assert!(error.to_string().contains("the heic decoder has no thread"), "{error}");
            }
            Err(Failure::Child(told)) => panic!("{told}"),
            Err(Failure::Stopped(error)) => panic!("{error}"),
            Ok(answer) => panic!("{} bytes", answer.len()),
        }
    }

    #[test]
    fn a_child_is_ended_when_nobody_waits_any_more() {
        let control = Control::default();
        control.cancel();
        let stopped = with("/usr/bin/yes", u64::MAX, &control);
        assert!(matches!(stopped, Err(Failure::Stopped(DecodeError::Cancelled))));
    }
}
