// SPDX-License-Identifier: Apache-2.0
//! Calls the client's methods by RPC name.

use futures_util::TryStreamExt;
use prost::{Message, Name};
use qconfig_client::{Client, Error};
use serde_json::Value;

use crate::{Failure, json};

/// The response or the error of a call, as JSON.
pub type Outcome<T> = Result<Result<T, Value>, Failure>;

pub async fn call(client: &Client, method: &str, request: &Value) -> Outcome<Value> {
    macro_rules! methods {
        ($($name:literal => $method:ident,)*) => {
            match method {
                $($name => one(client.$method(json::decode(request)?).await),)*
                _ => Err(format!("unknown method {method:?}").into()),
            }
        };
    }
    methods! {
        "GetConfig" => get_config,
        "BatchGetConfig" => batch_get_config,
        "PlanLayers" => plan_layers,
        "ListTemplates" => list_templates,
        "GetTemplate" => get_template,
        "ListSchemes" => list_schemes,
        "GetScheme" => get_scheme,
        "ListCatalogs" => list_catalogs,
        "WhoAmI" => who_am_i,
        "RegisterScheme" => register_scheme,
        "UnregisterScheme" => unregister_scheme,
        "RegisterTemplate" => register_template,
        "UnregisterTemplate" => unregister_template,
        "SetDefaultCatalog" => set_default_catalog,
        "ListChanges" => list_changes,
    }
}

pub async fn all(client: &Client, method: &str, request: &Value) -> Outcome<Vec<Value>> {
    match method {
        "ListTemplates" => many(client.all_templates(json::decode(request)?).try_collect().await),
        "ListSchemes" => many(client.all_schemes(json::decode(request)?).try_collect().await),
        "ListChanges" => many(client.all_changes(json::decode(request)?).try_collect().await),
        _ => Err(format!("{method:?} has no pages").into()),
    }
}

fn one<M: Message + Name>(result: Result<M, Error>) -> Outcome<Value> {
    many(result.map(|message| vec![message])).map(|outcome| outcome.map(|mut values| values.remove(0)))
}

fn many<M: Message + Name>(result: Result<Vec<M>, Error>) -> Outcome<Vec<Value>> {
    match result {
        Ok(messages) => Ok(Ok(messages.iter().map(json::encode).collect::<Result<_, _>>()?)),
        Err(error) => Ok(Err(json::error(&error)?)),
    }
}
