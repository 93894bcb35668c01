// SPDX-License-Identifier: Apache-2.0
//! The driver of `tests/conformance/clients` for the Rust client. Reads one operation per line from standard input, as
//! JSON, and writes one JSON object per operation to standard output.

mod calls;
mod json;

use std::io::{BufRead, Write};
use std::time::Duration;

use qconfig_client::v1::GetConfigResponse;
use qconfig_client::{Certificate, Client, ClientTlsConfig, Identity, verify_digest};
use serde_json::{Value, json};

/// An error of the driver itself.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut client = None;
    for line in std::io::stdin().lock().lines() {
        let answer = match run(&line?, &mut client).await {
            Ok(answer) => answer,
            Err(failure) => json!({ "driver_error": failure.to_string() }),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn run(line: &str, client: &mut Option<Client>) -> Result<Value, Failure> {
    let operation: Value = serde_json::from_str(line)?;
    let text = |key: &str| operation[key].as_str().unwrap_or_default();
    match text("op") {
        "connect" => {
            *client = None;
            *client = Some(connect(&operation)?);
            Ok(json!({ "ok": true }))
        }
        "verify_digest" => {
            let response: GetConfigResponse = json::decode(&operation["response"])?;
            Ok(match verify_digest(&response) {
                Ok(ok) => json!({ "ok": ok }),
                Err(error) => json!({ "error": { "message": error.to_string() } }),
            })
        }
        op => {
            let client = client.as_ref().ok_or("not connected")?;
            let client = match seconds(&operation["timeout_s"])? {
                Some(timeout) => client.with_timeout(timeout),
                None => client.clone(),
            };
            let (method, request) = (text("method"), &operation["request"]);
            match op {
                "call" => Ok(match calls::call(&client, method, request).await? {
                    Ok(response) => json!({ "response": response }),
                    Err(error) => json!({ "error": error }),
                }),
                "all" => Ok(match calls::all(&client, method, request).await? {
                    Ok(entries) => json!({ "responses": entries }),
                    Err(error) => json!({ "error": error }),
                }),
                "parallel" => {
                    let count = operation["count"].as_u64().ok_or("no count")?;
                    parallel(&client, count, method, request).await
                }
                _ => Err(format!("unknown operation {op:?}").into()),
            }
        }
    }
}

fn connect(operation: &Value) -> Result<Client, Failure> {
    let text = |key: &str| operation[key].as_str().unwrap_or_default();
    let mut builder = Client::builder().server(text("server")).tenant(text("tenant")).catalog(text("catalog"));
    if let Some(timeout) = seconds(&operation["timeout_s"])? {
        builder = builder.timeout(timeout);
    }
    if operation["tls"].is_object() {
        builder = builder.tls(tls(&operation["tls"])?);
    }
    if let Some(path) = operation["token_file"].as_str() {
        builder = builder.token_file(path);
    }
    if let Some(allow) = operation["allow_unencrypted_token"].as_bool() {
        builder = builder.allow_unencrypted_token(allow);
    }
    Ok(builder.build()?)
}

fn tls(files: &Value) -> Result<ClientTlsConfig, Failure> {
    let read = |key: &str| files[key].as_str().filter(|path| !path.is_empty()).map(std::fs::read).transpose();
    let mut tls = match read("ca")? {
        Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let (Some(cert), Some(key)) = (read("cert")?, read("key")?) {
        tls = tls.identity(Identity::from_pem(cert, key));
    }
    Ok(tls)
}

fn seconds(value: &Value) -> Result<Option<Duration>, Failure> {
    Ok(value.as_f64().map(Duration::try_from_secs_f64).transpose()?)
}

async fn parallel(client: &Client, count: u64, method: &str, request: &Value) -> Result<Value, Failure> {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let (client, method, request) = (client.clone(), method.to_owned(), request.clone());
            tokio::spawn(async move { calls::call(&client, &method, &request).await })
        })
        .collect();
    let (mut responses, mut errors) = (Vec::new(), Vec::new());
    for call in calls {
        match call.await?? {
            Ok(response) => responses.push(response),
            Err(error) => errors.push(error),
        }
    }
    Ok(json!({ "responses": responses, "errors": errors }))
}
