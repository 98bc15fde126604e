//! The program: parse the command line, run one command, end with 0 (done), 1 (found something) or 2 (could not).

mod allocator;
mod commands;
mod config;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    allocator::set();
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
