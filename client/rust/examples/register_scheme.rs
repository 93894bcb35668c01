// SPDX-License-Identifier: Apache-2.0
use qconfig_client::prost_types::{Struct, Value};
use qconfig_client::v1::{
    LayerSpec, RegisterSchemeRequest, RegisterSchemeResponse, Scheme, SpecPreset, TensorSpec, tensor_spec,
};
use qconfig_client::{Client, Error};

/// Returns a scheme with int4 weights in groups of this size.
fn int4(group_size: i32) -> Scheme {
    let fields = [("ch_axis", Value::from(-1)), ("group_size", Value::from(group_size))];
    let preset = SpecPreset {
        spec: "Int4PerGroupSpec".to_owned(),
        fields: Some(Struct { fields: fields.map(|(name, value)| (name.to_owned(), value)).into() }),
    };
    let weight = Some(TensorSpec { spec: Some(tensor_spec::Spec::Preset(preset)) });
    let spec = Some(LayerSpec { weight, ..Default::default() });
    Scheme { name: "my_int4".to_owned(), spec, ..Default::default() }
}

fn print(response: &RegisterSchemeResponse) {
    println!("revision {}, replaced: {}", response.revision, response.replaced);
    for warning in &response.warnings {
        println!("warning: \"{}\" {}", warning.value, warning.message);
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = std::env::args().nth(1).unwrap_or("localhost:50051".to_owned());
    let client = Client::builder().server(server).tenant("acme").build()?;

    let request = RegisterSchemeRequest { scheme: Some(int4(48)), ..Default::default() };
    print(&client.register_scheme(request).await?);

    let request = RegisterSchemeRequest { scheme: Some(int4(96)), replace: true, ..Default::default() };
    print(&client.register_scheme(request).await?);
    Ok(())
}
