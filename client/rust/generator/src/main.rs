// SPDX-License-Identifier: Apache-2.0
//! Generates the stubs: `qconfig-generator PROTO_DIR OUT_DIR`.

use std::io::Result;
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [protos, out] = arguments.as_slice() else {
        eprintln!("usage: qconfig-generator PROTO_DIR OUT_DIR");
        std::process::exit(2);
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(Path::new(protos).join("qconfig/v1"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut config = prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().build_server(false).out_dir(out).compile_with_config(
        config,
        &files,
        &[PathBuf::from(protos)],
    )
}
