// SPDX-License-Identifier: Apache-2.0
//! Tests of the package and its scripts.

use std::process::{Command, Output};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn run(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, text)
}

#[test]
fn the_package_has_the_license() {
    let list = ["package", "--list", "--allow-dirty", "--offline"];
    let (_, files) = run(Command::new(env!("CARGO")).args(list).current_dir(HERE));
    for name in ["LICENSE", "NOTICE"] {
        assert!(files.lines().any(|file| file == name), "{files}");
        let read = |folder: &str| std::fs::read(format!("{HERE}/{folder}{name}")).unwrap();
        assert_eq!(read(""), read("../../"));
    }
}

#[test]
fn check_names_the_missing_server() {
    let (output, text) = run(Command::new(format!("{HERE}/check")).env("QCONFIG_BIN", "none").current_dir("/"));
    assert!(!output.status.success() && text.contains("missing: /none/qconfigd"), "{text}");
}

#[test]
fn generate_rejects_other_versions_of_protoc() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).unwrap();
    std::os::unix::fs::symlink("/bin/echo", folder.join("protoc")).ok();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let out = folder.join("generated");
    let (output, text) = run(Command::new(format!("{HERE}/generate")).arg(out).env("PATH", path));
    assert!(!output.status.success() && text.contains("protoc 3.21.12 is required"), "{text}");
}
