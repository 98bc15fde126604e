//! Chores: `cargo run -p xtask -- <chore>`.

#![forbid(unsafe_code)]

mod arrows;
mod examples;

use anyhow::{Result, bail};

const CHORES: &str = "arrows              checks that crates depend on each other only as the design allows\n\
                      examples [PART…]    draws examples/ anew; parts: book, map, cards, drawings";

#[expect(clippy::print_stderr, reason = "a chore tells what went wrong")]
fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("arrows") => arrows::check(),
        Some("examples") => examples::draw(&arguments[1..]),
        Some(other) => bail!("there is no chore `{other}`; the chores are:\n{CHORES}"),
        None => bail!("name a chore:\n{CHORES}"),
    }
}
