// SPDX-License-Identifier: Apache-2.0
use qconfig_client::v1::{ConfigSpec, ErrorReason, GetConfigRequest, LayerConfigEntry};
use qconfig_client::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = std::env::args().nth(1).unwrap_or("localhost:50051".to_owned());
    let client = Client::builder().server(server).build()?;

    let mut spec = ConfigSpec {
        model_type: "llama".to_owned(),
        scheme: "fp8".to_owned(),
        kv_cache_scheme: "fp8".to_owned(),
        layer_config: vec![LayerConfigEntry { pattern: "*mlp*".to_owned(), scheme: "mxfp4".to_owned() }],
        ..Default::default()
    };
    let response = client.get_config(GetConfigRequest { spec: Some(spec.clone()), ..Default::default() }).await?;
    println!("catalog: {}", response.catalog);
    println!("digest: {}", &response.config_digest[..12]);
    println!("overrides: {}", response.config.unwrap_or_default().layer_quant_config.len());

    spec.scheme = "int4_wo_12".to_owned();
    match client.get_config(GetConfigRequest { spec: Some(spec), ..Default::default() }).await {
        Err(Error::Server(error)) if error.reason == ErrorReason::SchemeNotFound => {
            let reason = error.reason.as_str_name().trim_start_matches("ERROR_REASON_");
            println!("{reason}: did you mean {}?", error.detail.suggestions.join(", "));
            Ok(())
        }
        other => other.map(drop),
    }
}
