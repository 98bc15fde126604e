//! The child that decodes ([`recto_codec::contain_with`]) as a program of its own, for those that cannot be their own child: tests and
//! fuzz targets.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(recto_codec::run_contained(std::env::args_os().skip(2)))
}
