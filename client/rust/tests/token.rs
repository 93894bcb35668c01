// SPDX-License-Identifier: Apache-2.0
//! Tokens that the client reads from a file and sends to a server with a policy.
#[allow(dead_code)]
mod qconfigd;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use qconfig_client::v1::{ErrorReason, ListSchemesRequest, Role, UnregisterSchemeRequest, WhoAmIRequest};
use qconfig_client::{Builder, Certificate, Client, ClientTlsConfig, Code, Error};
use qconfigd::Server;
use sha2::{Digest, Sha256};

const FARM: &str = "qct_farm-token";
const NEXT: &str = "qct_next-token";

/// A folder that is removed at the end of the test, with a policy and the server's certificate.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qconfig-{test}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let folder = Self(folder);
        let mut policy = "version: 1\nprincipals:\n".to_owned();
        for (name, token) in [("farm", FARM), ("next", NEXT)] {
            let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
            let grants = format!("[{{role: reader, tenants: [{name}]}}]");
            policy +=
                &format!("  {name}: {{tokens: [{{sha256: \"{hash}\"}}], default_tenant: {name}, grants: {grants}}}\n");
        }
        folder.write("policy.yaml", &policy);
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    fn server(&self) -> Server {
        Server::start_with("127.0.0.1:0", &["--auth-policy", &self.path("policy.yaml")])
    }

    /// Returns a server with TLS, and what trusts it.
    fn server_with_tls(&self) -> (Server, ClientTlsConfig) {
        let authority = ["-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt"];
        openssl(&self.0, &authority);
        // rustls rejects a server whose certificate is that of an authority.
        openssl(
            &self.0,
            &[
                ["-subj", "/CN=server", "-keyout", "server.key", "-out", "server.crt"].as_slice(),
                &["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"],
                &["-addext", "basicConstraints=critical,CA:FALSE"],
            ]
            .concat(),
        );
        let (policy, cert, key) = (self.path("policy.yaml"), self.path("server.crt"), self.path("server.key"));
        let server =
            Server::start_with("127.0.0.1:0", &["--auth-policy", &policy, "--tls-cert", &cert, "--tls-key", &key]);
        let ca = std::fs::read(self.path("ca.crt")).unwrap();
        (server, ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn openssl(folder: &Path, options: &[&str]) {
    let kind = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let output = Command::new("openssl").current_dir(folder).args(kind).args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn principal(client: &Client) -> String {
    client.who_am_i(WhoAmIRequest {}).await.unwrap().principal
}

/// Returns the error of a call, which has no token in its text.
fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    let error = result.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(FARM) && !text.contains(NEXT), "{text}");
    error
}

async fn failure_of(builder: Builder) -> Error {
    failure(builder.build().unwrap().list_schemes(ListSchemesRequest::default()).await)
}

#[tokio::test]
async fn authenticates_calls_over_tls() {
    let folder = Folder::new("token-tls");
    let (server, tls) = folder.server_with_tls();
    let builder = server.builder().tls(tls);
    let missing = failure_of(builder.clone()).await;
    assert_eq!((missing.code(), missing.reason()), (Some(Code::Unauthenticated), ErrorReason::CredentialsMissing));

    let client = builder.clone().token_file(folder.write("farm", &format!("{FARM}\n"))).build().unwrap();
    client.list_schemes(ListSchemesRequest::default()).await.unwrap();
    let me = client.who_am_i(WhoAmIRequest {}).await.unwrap();
    assert!(me.has_policy);
    assert_eq!((me.principal.as_str(), me.default_tenant.as_str()), ("farm", "farm"));
    assert_eq!((me.grants[0].role(), &me.grants[0].tenants), (Role::Reader, &vec!["farm".to_owned()]));

    let write = UnregisterSchemeRequest { name: "mine".to_owned(), ..Default::default() };
    let denied = failure(client.unregister_scheme(write).await);
    assert_eq!((denied.code(), denied.reason()), (Some(Code::PermissionDenied), ErrorReason::PermissionDenied));
    let detail = &denied.server().unwrap().detail;
    assert_eq!((detail.required_role.as_str(), detail.tenant.as_str()), ("editor", "farm"));

    let unknown = failure_of(builder.token_file(folder.write("unknown", "qct_unknown"))).await;
    assert_eq!(unknown.reason(), ErrorReason::CredentialsInvalid);
    assert_eq!(unknown.server().unwrap().detail.rule, "unknown");
}

#[tokio::test]
async fn a_new_token_in_the_file_is_used_without_a_new_client() {
    let folder = Folder::new("token-new");
    let (server, tls) = folder.server_with_tls();
    let file = folder.write("token", FARM);
    let client = server.builder().tls(tls).token_file(&file).build().unwrap();
    assert_eq!(principal(&client).await, "farm");
    std::fs::rename(folder.write("new", NEXT), &file).unwrap(); // never leaves an empty file
    let deadline = Instant::now() + Duration::from_secs(30);
    while principal(&client).await != "next" {
        assert!(Instant::now() < deadline);
    }
}

#[tokio::test]
async fn is_not_sent_unencrypted() {
    let folder = Folder::new("token-plain");
    let file = folder.write("token", FARM);
    // Nothing listens there, so a call that tried to connect would fail with UNAVAILABLE.
    for server in ["127.0.0.1:1", "localhost:1", "qconfig.example.com:50051"] {
        let error = failure_of(Client::builder().server(server).token_file(&file)).await;
        assert!(matches!(error, Error::Token(_)), "{error:?}");
        assert_eq!(error.code(), Some(Code::FailedPrecondition));
        let expected = format!(
            "the token in {file} is not sent over an unencrypted connection; set Builder::tls, or, if nobody else can read \
             the connection, allow_unencrypted_token or QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true"
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_token_instead_of_a_file_is_not_in_the_error() {
    let error = failure_of(Client::builder().server("127.0.0.1:1").token_file(FARM)).await;
    assert!(error.to_string().contains("is a token"), "{error}");
}

#[tokio::test]
async fn is_sent_unencrypted_if_allowed() {
    let folder = Folder::new("token-allowed");
    let server = folder.server();
    let builder = server.builder().token_file(folder.write("token", FARM)).allow_unencrypted_token(true);
    assert_eq!(principal(&builder.build().unwrap()).await, "farm");
}

#[tokio::test]
async fn an_invalid_file_fails_the_call_before_it_is_sent() {
    let folder = Folder::new("token-invalid");
    let file = folder.path("later");
    let builder = Client::builder().server("127.0.0.1:1").token_file(&file).allow_unencrypted_token(true);
    let client = builder.build().unwrap();
    let error = failure(client.who_am_i(WhoAmIRequest {}).await);
    assert_eq!(error.code(), Some(Code::FailedPrecondition));
    assert!(error.to_string().starts_with(&format!("token file {file}: cannot be opened: ")), "{error}");
    folder.write("later", FARM);
    let error = failure(client.who_am_i(WhoAmIRequest {}).await); // reads the file again
    assert_eq!(error.code(), Some(Code::Unavailable));
}

/// Runs this test again in a process with these variables.
fn run_with(name: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{variables:?}: {text}");
}

#[test]
fn the_environment_has_the_defaults_of_the_options() {
    let folder = Folder::new("token-environment");
    let file = folder.write("token", FARM);
    let (token, allow) = (("QCONFIG_TOKEN_FILE", file.as_str()), "QCONFIG_ALLOW_UNENCRYPTED_TOKEN");
    run_with("fails_with_unavailable", &[token, (allow, "true")]);
    for value in ["false", "", "yes please"] {
        run_with("fails_with_failed_precondition", &[token, (allow, value)]);
    }
    run_with("fails_with_failed_precondition", &[token]);
    run_with("fails_with_unavailable", &[("QCONFIG_TOKEN_FILE", "")]);
}

async fn code() -> Option<Code> {
    failure_of(Client::builder().server("127.0.0.1:1")).await.code()
}

#[tokio::test]
#[ignore = "runs with the variables of the_environment_has_the_defaults_of_the_options"]
async fn fails_with_unavailable() {
    assert_eq!(code().await, Some(Code::Unavailable));
}

#[tokio::test]
#[ignore = "runs with the variables of the_environment_has_the_defaults_of_the_options"]
async fn fails_with_failed_precondition() {
    assert_eq!(code().await, Some(Code::FailedPrecondition));
}
