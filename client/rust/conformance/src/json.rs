// SPDX-License-Identifier: Apache-2.0
//! ProtoJSON of messages and errors.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use qconfig_client::v1::{ErrorDetail, ErrorReason};
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

pub fn error(error: &Error) -> Result<Value, Failure> {
    let none = ErrorDetail::default();
    let detail = error.server().map_or(&none, |server| &server.detail);
    let mut object = json!({
        "code": error.code().map_or(String::new(), name),
        "reason": error.reason().as_str_name().trim_start_matches("ERROR_REASON_"),
        "message": error.to_string(),
        "field": detail.field,
        "value": detail.value,
        "allowed": detail.allowed,
        "allowed_total": detail.allowed_total,
        "suggestions": detail.suggestions,
        "rule": detail.rule,
        "required_role": detail.required_role,
        "retry_after_ms": detail.retry_after_ms,
        "tenant": detail.tenant,
        "catalog": detail.catalog,
        "first_revision": detail.first_revision,
        "newest_revision": detail.newest_revision,
        "findings": detail.findings.iter().map(encode).collect::<Result<Vec<_>, _>>()?,
        "finding_total": detail.finding_total,
        "metadata": {},
        "field_violations": [],
        "type": kind(error),
    });
    if error.reason() == ErrorReason::Unspecified {
        object["reason"] = json!("");
    }
    if let Some(server) = error.server() {
        object["message"] = json!(server.message);
        object["metadata"] = json!(server.metadata);
        object["field_violations"] = server
            .field_violations
            .iter()
            .map(|violation| json!({ "field": violation.field, "description": violation.description }))
            .collect();
    }
    Ok(object)
}

/// Returns the name of the variant.
fn kind(error: &Error) -> String {
    let debug = format!("{error:?}");
    debug.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// Returns "NOT_FOUND" for NotFound.
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
