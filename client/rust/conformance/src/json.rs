// SPDX-License-Identifier: Apache-2.0
//! ProtoJSON of messages and errors.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use qconfig_client::v1::ErrorReason;
use qconfig_client::{Code, Error};
use serde_json::{Value, json};

use crate::Failure;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(&include_bytes!("../descriptors.binpb")[..])
        .expect("descriptors.binpb is a FileDescriptorSet")
});

fn descriptor<M: Name>() -> Result<MessageDescriptor, Failure> {
    POOL.get_message_by_name(&M::full_name()).ok_or_else(|| format!("no message {}", M::full_name()).into())
}

pub fn decode<M: Message + Name + Default>(value: &Value) -> Result<M, Failure> {
    Ok(DynamicMessage::deserialize(descriptor::<M>()?, value)?.transcode_to()?)
}

pub fn encode<M: Message + Name>(message: &M) -> Result<Value, Failure> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message)?;
    Ok(serde_json::to_value(dynamic)?)
}

pub fn error(error: &Error) -> Value {
    let mut told = json!({
        "code": error.code().map_or(String::new(), name),
        "reason": error.reason().as_str_name().trim_start_matches("ERROR_REASON_"),
        "message": error.to_string(),
        "type": kind(error),
    });
    if error.reason() == ErrorReason::Unspecified {
        told["reason"] = json!("");
    }
    if let Some(server) = error.server() {
        told["message"] = json!(server.message);
        told["field"] = json!(server.field());
        told["value"] = json!(server.value());
        told["allowed"] = json!(server.allowed());
        told["suggestion"] = json!(server.suggestion());
        told["metadata"] = json!(server.metadata);
        told["field_violations"] = server
            .field_violations
            .iter()
            .map(|violation| json!({ "field": violation.field, "description": violation.description }))
            .collect();
    }
    told
}

/// The variant's name.
fn kind(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// "NOT_FOUND" for NotFound.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
