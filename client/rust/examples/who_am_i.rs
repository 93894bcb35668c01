// SPDX-License-Identifier: Apache-2.0
use qconfig_client::v1::WhoAmIRequest;
use qconfig_client::{Certificate, Client, ClientTlsConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(std::fs::read("ca.crt")?));
    let client = Client::builder().server("qconfig.example.com:50051").tls(tls).token_file("token").build()?;
    let me = client.who_am_i(WhoAmIRequest {}).await?;
    for grant in &me.grants {
        println!("{} {} {:?}", me.principal, grant.role().as_str_name(), grant.tenants);
    }
    Ok(())
}
