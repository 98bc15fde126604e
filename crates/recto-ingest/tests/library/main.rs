//! A library from outside: folders in, trees and documents out.

#![cfg(test)]
#![expect(clippy::print_stderr, reason = "measurements, and tests that cannot run here, are said aloud")]

mod documents;
mod institutions;
mod joined;
mod rules;
mod support;
mod watching;
mod zero_configuration;
