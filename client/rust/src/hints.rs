// SPDX-License-Identifier: Apache-2.0
//! What a failed connection probably means, in the sentences that all clients share.
use std::sync::LazyLock;

use serde_json::Value;

static DATA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("connection_hints.json")).expect("the file is part of the crate")
});

/// Returns what `message`, from a failed connection to `server`, probably means. `None`: nothing is known.
///
/// Ignores hints that depend on the client's certificate, because `ClientTlsConfig` does not show whether it has one.
pub(crate) fn connection_hint(message: &str, server: &str, tls: bool) -> Option<String> {
    let hint = DATA["hints"].as_array()?.iter().find(|hint| applies(hint, message, server, tls))?;
    let mut text = hint["text"].as_str()?.to_owned();
    for (name, option) in DATA["options"]["rust"].as_object()? {
        text = text.replace(&format!("{{{name}}}"), option.as_str()?);
    }
    Some(text)
}

fn applies(hint: &Value, message: &str, server: &str, tls: bool) -> bool {
    let is = |wanted: &Value, value: bool| wanted.as_bool().is_none_or(|wanted| wanted == value);
    server.starts_with(hint["server_begins"].as_str().unwrap_or(""))
        && is(&hint["server_has_port"], server.contains(':'))
        && is(&hint["tls"], tls)
        && hint["cert"].is_null()
        && hint["message"].as_str().is_none_or(|list| {
            let parts = DATA["messages"][list].as_array();
            parts.is_some_and(|parts| parts.iter().filter_map(Value::as_str).any(|part| message.contains(part)))
        })
}
