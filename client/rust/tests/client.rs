// SPDX-License-Identifier: Apache-2.0
//! Tests of the client with real servers.

mod qconfigd;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use qconfig_client::v1::batch_get_config_result::Result as Item;
use qconfig_client::v1::{
    BatchGetConfigRequest, ConfigSpec, ErrorReason, GetConfigRequest, GetSchemeRequest, LayerConfigEntry,
    ListCatalogsRequest, ListChangesRequest, ListSchemesRequest, ListTemplatesRequest, LlmTemplate,
    RegisterSchemeRequest, RegisterTemplateRequest, Scheme, SetDefaultCatalogRequest,
};
use qconfig_client::{Client, ClientTlsConfig, Code, Error, Identity, RetryPolicy, verify_digest};
use qconfigd::Server;
use tokio::net::TcpListener;

fn spec(model_type: &str, scheme: &str) -> ConfigSpec {
    ConfigSpec { model_type: model_type.to_owned(), scheme: scheme.to_owned(), ..Default::default() }
}

fn fp8(model_type: &str) -> GetConfigRequest {
    GetConfigRequest { spec: Some(spec(model_type, "fp8")), ..Default::default() }
}

fn scheme(name: &str, like: &Scheme) -> RegisterSchemeRequest {
    let scheme = Some(Scheme { name: name.to_owned(), config: like.config.clone(), ..Default::default() });
    RegisterSchemeRequest { scheme, ..Default::default() }
}

async fn built_in(client: &Client, name: &str) -> Scheme {
    let request = GetSchemeRequest { name: name.to_owned(), ..Default::default() };
    client.get_scheme(request).await.unwrap().scheme.unwrap()
}

fn template(model_type: &str) -> RegisterTemplateRequest {
    let llm_template = Some(LlmTemplate { model_type: model_type.to_owned(), ..Default::default() });
    RegisterTemplateRequest { llm_template, ..Default::default() }
}

/// An address that no server listens on.
async fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn digests_can_be_verified() {
    let server = Server::start();
    let request = GetConfigRequest { include_canonical_json: true, ..fp8("llama") };
    let mut answer = server.client().get_config(request).await.unwrap();
    assert!(verify_digest(&answer).unwrap());
    answer.canonical_json.push(' ');
    assert!(!verify_digest(&answer).unwrap());
}

#[tokio::test]
async fn calls_and_batch_items_have_the_same_error() {
    let server = Server::start();
    let client = server.client();
    let requests = vec![fp8("llama"), fp8("lama")];
    let batch = client.batch_get_config(BatchGetConfigRequest { requests }).await.unwrap();
    assert!(matches!(batch.results[0].result, Some(Item::Response(_))));
    let Some(Item::Error(item)) = batch.results[1].result.clone() else { panic!("{batch:?}") };
    let (Error::Server(call), Error::Server(item)) = (client.get_config(fp8("lama")).await.unwrap_err(), item.into())
    else {
        panic!("not an error of the server")
    };
    assert_eq!((call.code, call.reason), (Code::NotFound, ErrorReason::TemplateNotFound));
    assert_eq!((&*call.detail.field, &*call.detail.value), ("spec.model_type", "lama"));
    assert!(call.detail.suggestions.contains(&"llama".to_owned()), "{call:?}");
    assert_eq!(item.detail, call.detail);
    assert_eq!(item.metadata, call.metadata);
    assert_eq!(item.field_violations, call.field_violations);
}

#[tokio::test]
async fn suggestions_may_contain_commas() {
    let server = Server::start();
    let client = server.client();
    let fp8 = built_in(&client, "fp8").await;
    client.register_scheme(scheme("my, own", &fp8)).await.unwrap();
    let request = GetConfigRequest { spec: Some(spec("llama", "my own")), ..Default::default() };
    let error = client.get_config(request).await.unwrap_err();
    let detail = &error.server().unwrap().detail;
    assert_eq!(detail.suggestions[0], "my, own");
    assert_eq!((detail.allowed.len(), detail.allowed_total > 10), (10, true), "{detail:?}");
}

#[tokio::test]
async fn a_scheme_is_replaced_only_on_request() {
    let server = Server::start();
    let client = server.client();
    let (fp8, int8) = (built_in(&client, "fp8").await, built_in(&client, "int8").await);
    let first = client.register_scheme(scheme("mine", &fp8)).await.unwrap();
    let error = client.register_scheme(scheme("mine", &int8)).await.unwrap_err();
    assert_eq!(error.reason(), ErrorReason::SchemeExists);
    let second =
        client.register_scheme(RegisterSchemeRequest { replace: true, ..scheme("mine", &int8) }).await.unwrap();
    assert_eq!((first.replaced, second.replaced), (false, true));
    let etag = first.scheme.unwrap().etag;
    let error = client.register_scheme(RegisterSchemeRequest { etag, ..scheme("mine", &fp8) }).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Some(Code::Aborted), ErrorReason::EtagMismatch));
}

#[tokio::test]
async fn set_default_catalog_uses_only_the_catalog_of_the_request() {
    let server = Server::start();
    let client = server.builder().tenant("acme").catalog("quark-0.13").build().unwrap();
    let unnamed = client.set_default_catalog(SetDefaultCatalogRequest::default()).await.unwrap_err();
    assert_eq!(unnamed.reason(), ErrorReason::InvalidRequest);
    assert_eq!(unnamed.server().unwrap().detail.field, "catalog");

    client.register_template(template("mine")).await.unwrap();
    let request = SetDefaultCatalogRequest { catalog: "quark-0.13".to_owned(), ..Default::default() };
    let answer = client.set_default_catalog(request).await.unwrap();
    assert_eq!(answer.previous_catalog, "quark-0.12.post1");
    let acme = server.builder().tenant("acme").build().unwrap();
    assert_eq!(acme.get_config(fp8("mine")).await.unwrap().catalog, "quark-0.13");
    let changes = client.all_changes(ListChangesRequest::default()).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!((changes[0].revision, changes[0].request_id.len()), (answer.revision, 36));
}

#[tokio::test]
async fn tenant_and_catalog_are_filled_into_requests_without_them() {
    let server = Server::start();
    let client = server.builder().tenant("acme").catalog("quark-0.13").build().unwrap();
    client.register_template(template("mine")).await.unwrap();
    assert_eq!(client.get_config(fp8("mine")).await.unwrap().catalog, "quark-0.13");
    let others = GetConfigRequest { tenant: "other".to_owned(), ..fp8("mine") };
    assert_eq!(client.get_config(others).await.unwrap_err().reason(), ErrorReason::TemplateNotFound);
    let older = GetConfigRequest { catalog: "quark-0.12.post1".to_owned(), ..fp8("mine") };
    assert_eq!(client.get_config(older).await.unwrap().catalog, "quark-0.12.post1");
}

#[tokio::test]
async fn a_write_gets_a_request_id_unless_it_has_one() {
    let server = Server::start();
    let client = server.client();
    let own = "00000000-0000-4000-8000-000000000001";
    client.register_template(template("one")).await.unwrap();
    client.register_template(RegisterTemplateRequest { request_id: own.to_owned(), ..template("two") }).await.unwrap();
    let changes = client.all_changes(ListChangesRequest::default()).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(changes[0].request_id, own);
    assert_eq!(changes[1].request_id.len(), 36);
}

#[tokio::test]
async fn streams_read_all_pages() {
    let server = Server::start();
    let client = server.client();
    let whole = client.list_templates(ListTemplatesRequest { page_size: 1000, ..Default::default() }).await.unwrap();
    let pages = client
        .all_templates(ListTemplatesRequest { page_size: 3, ..Default::default() })
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(pages, whole.llm_templates);
    let whole = client.list_schemes(ListSchemesRequest { page_size: 1000, ..Default::default() }).await.unwrap();
    let pages = client
        .all_schemes(ListSchemesRequest { page_size: 3, ..Default::default() })
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(pages, whole.schemes);
    for i in 0..5 {
        client.register_template(template(&format!("mine{i}"))).await.unwrap();
    }
    let changes = client
        .all_changes(ListChangesRequest { page_size: 2, ..Default::default() })
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(changes.iter().map(|change| change.revision).collect::<Vec<_>>(), [6, 5, 4, 3, 2]);
}

#[tokio::test]
async fn streams_read_pages_on_demand() {
    let server = Server::start();
    let client = server.builder().retry(None).build().unwrap();
    let mut templates = client.all_templates(ListTemplatesRequest { page_size: 2, ..Default::default() });
    assert!(templates.try_next().await.unwrap().is_some());
    drop(server);
    assert!(templates.try_next().await.unwrap().is_some());
    assert_eq!(templates.try_next().await.unwrap_err().code(), Some(Code::Unavailable));
    assert!(templates.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn responses_may_be_larger_than_4_mib() {
    let server = Server::start();
    let layer_config =
        (0..20).map(|i| LayerConfigEntry { pattern: format!("*.{i}.*"), scheme: "int8".to_owned() }).collect();
    let spec = Some(ConfigSpec { layer_config, ..spec("llama", "fp8") });
    let request = GetConfigRequest { spec, include_quark_json: true, ..Default::default() };
    let batch =
        server.client().batch_get_config(BatchGetConfigRequest { requests: vec![request; 1000] }).await.unwrap();
    let bytes: usize = batch
        .results
        .iter()
        .map(|result| match &result.result {
            Some(Item::Response(answer)) => answer.quark_json.len(),
            _ => 0,
        })
        .sum();
    assert!(bytes > 4 << 20, "{bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_serves_many_tasks() {
    let server = Server::start();
    let client = server.client();
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get_config(fp8("llama")).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().revision, 1);
    }
}

#[tokio::test]
async fn calls_are_balanced_while_one_server_is_unreachable() {
    let (one, other) = (Server::start(), Server::start());
    let servers = format!("{}, {},{}", one.address, nowhere().await, other.address);
    let client = Client::builder().server(servers).build().unwrap();
    for _ in 0..6 {
        client.list_catalogs(ListCatalogsRequest::default()).await.unwrap();
    }
    client.register_template(template("mine")).await.unwrap();
    let mut revisions = Vec::new();
    for _ in 0..6 {
        revisions.push(client.list_changes(ListChangesRequest::default()).await.unwrap().revision);
    }
    assert!(revisions.contains(&1) && revisions.contains(&2), "{revisions:?}");
}

#[tokio::test]
async fn sequential_calls_succeed_while_a_server_is_unreachable() {
    let server = Server::start();
    let client = Client::builder().server(format!("127.0.0.1:1,{}", server.address)).build().unwrap();
    for _ in 0..200 {
        client.get_config(fp8("llama")).await.unwrap();
    }
}

#[tokio::test]
async fn concurrent_calls_succeed_while_servers_are_unreachable() {
    let server = Server::start();
    let servers = format!("{gone},{gone},{gone},{gone},{}", server.address, gone = "127.0.0.1:1");
    let client = Client::builder().server(servers).build().unwrap();
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get_config(fp8("llama")).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_closes_connections_is_rarely_used() {
    let server = Server::start();
    let breaker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = format!("{},{}", breaker.local_addr().unwrap(), server.address);
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while breaker.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let client = Client::builder().server(servers).build().unwrap();
    for _ in 0..200 {
        client.get_config(fp8("llama")).await.unwrap();
    }
    assert!((1..20).contains(&connections.load(Ordering::Relaxed)), "{connections:?}");
}

#[tokio::test]
async fn reconnects_to_a_restarted_server() {
    let server = Server::start();
    let patient = RetryPolicy { max_attempts: 100, backoff_multiplier: 1.0, max_tokens: 1000.0, ..Default::default() };
    let client = server.builder().retry(patient).timeout(Duration::from_secs(60)).build().unwrap();
    client.get_config(fp8("llama")).await.unwrap();
    let address = server.address.clone();
    drop(server);
    let starting = tokio::task::spawn_blocking(move || Server::start_at(&address));
    client.get_config(fp8("llama")).await.unwrap();
    drop(starting.await.unwrap());
}

#[tokio::test]
async fn unreachable_server_errors_have_address_and_cause() {
    let address = nowhere().await;
    let client = Client::builder().server(&address).retry(None).build().unwrap();
    let begin = Instant::now();
    let error = client.get_config(fp8("llama")).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!((error.code(), error.reason()), (Some(Code::Unavailable), ErrorReason::Unspecified));
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("refused"), "{text}");
    let mut causes = std::iter::successors(std::error::Error::source(&error), |error| error.source());
    assert!(causes.any(|cause| cause.is::<std::io::Error>()), "{error:?}");
}

#[tokio::test]
async fn fails_at_once_if_a_retry_would_exceed_the_deadline() {
    let slow = RetryPolicy {
        initial_backoff: Duration::from_secs(60),
        max_backoff: Duration::from_secs(60),
        ..Default::default()
    };
    let client =
        Client::builder().server(nowhere().await).retry(slow).timeout(Duration::from_secs(30)).build().unwrap();
    let begin = Instant::now();
    let error = client.get_config(fp8("llama")).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(error.code(), Some(Code::DeadlineExceeded));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_silent_server_exceeds_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::builder().server(silent.local_addr().unwrap().to_string()).build().unwrap();
    for timeout in [Duration::ZERO, Duration::from_millis(300)] {
        let begin = Instant::now();
        let error = client.with_timeout(timeout).get_config(fp8("llama")).await.unwrap_err();
        assert_eq!(error.code(), Some(Code::DeadlineExceeded), "{error}");
        assert!(begin.elapsed() >= timeout);
    }
}

#[tokio::test]
async fn a_waiting_call_exceeds_the_deadline() {
    let server = Server::start();
    let request = GetConfigRequest { min_revision: 99, ..fp8("llama") };
    let begin = Instant::now();
    let error = server.client().with_timeout(Duration::from_millis(300)).get_config(request).await.unwrap_err();
    assert!(matches!(error.code(), Some(Code::DeadlineExceeded | Code::OutOfRange)), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn tls_with_a_plaintext_server_is_unavailable() {
    let server = Server::start();
    let client = server.builder().tls(ClientTlsConfig::new().with_native_roots()).retry(None).build().unwrap();
    let error = client.get_config(fp8("llama")).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::Unavailable), "{error:?}");
}

#[tokio::test]
async fn invalid_tls_options_are_rejected() {
    let tls = ClientTlsConfig::new().identity(Identity::from_pem("no certificate", "no key"));
    let Err(error) = Client::builder().tls(tls).build() else { panic!("a client was built") };
    assert!(matches!(error, Error::Options(_)), "{error:?}");
}
