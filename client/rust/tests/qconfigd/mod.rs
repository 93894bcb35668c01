// SPDX-License-Identifier: Apache-2.0
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use qconfig_client::{Builder, Client};

/// A real qconfigd with in-memory storage, on a free port.
pub struct Server {
    process: Child,
    pub address: String,
}

impl Server {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    pub fn start_at(listen: &str) -> Self {
        Self::start_with(listen, &[])
    }

    pub fn start_with(listen: &str, options: &[&str]) -> Self {
        let bin = std::env::var_os("QCONFIG_BIN")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../build/release/bin"), PathBuf::from);
        let program = bin.join("qconfigd");
        let mut process = Command::new(&program)
            .args(["--listen", listen, "--admin-listen", "127.0.0.1:0", "--storage", "memory"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; build qconfigd, or set QCONFIG_BIN", program.display()));
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "qconfigd did not start");
            if let Some((_, rest)) = line.split_once("listening on ").and_then(|(_, rest)| rest.split_once("(port ")) {
                break rest.split_once(')').unwrap().0.to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, address: format!("127.0.0.1:{port}") }
    }

    pub fn builder(&self) -> Builder {
        Client::builder().server(&self.address)
    }

    pub fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
