//! Compiles our C shim over the classic libjpeg interface against the headers that `turbojpeg-sys` built.

use std::env;

fn main() {
    let shim = "src/formats/jpeg/shim.c";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={shim}");
    println!("cargo:rerun-if-env-changed=DEP_TURBOJPEG_INCLUDE");
    let include = env::var("DEP_TURBOJPEG_INCLUDE").expect("turbojpeg-sys announces where its headers are");
    let mut build = cc::Build::new();
    for folder in include.split(',').filter(|folder| !folder.is_empty()) {
        build.include(folder);
    }
    build.file(shim).std("c11").opt_level(2).warnings(true).extra_warnings(true).compile("recto_jpeg");
}
