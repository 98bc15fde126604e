//! The program: parse the command line, run one command, end with 0 (done), 1 (found something) or 2 (could not).

mod commands;
mod config;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// For the C libraries as well. Buffers of tiles come and go by the thousand: each costs page faults where it is a mapping of its own,
/// and gaps that nothing fits where it is not (as with glibc, whichever way it is set).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    small_pages();
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|first| first == recto_codec::CONTAINED) {
        return ExitCode::from(recto_codec::run_contained(words));
    }
    match std::env::current_exe() {
        Ok(program) => recto_codec::contain_with(program),
        Err(error) => output::say(&format!("this program cannot start itself, so all decoders run in place: {error}")),
    }
    let arguments = commands::Arguments::parse();
    match arguments.run() {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// The allocator asks for huge pages; a buffer that lives for milliseconds in a fresh one costs the clearing of 2 MiB. Half of the time
/// of a page made smaller went there.
fn small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        output::say(&format!("huge pages stay on, which costs time and memory: {error}"));
    }
}
