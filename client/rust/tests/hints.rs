// SPDX-License-Identifier: Apache-2.0
//! A failed connection says what it probably means.
#[allow(dead_code)]
mod qconfigd;

use std::path::Path;
use std::process::Command;

use qconfig_client::v1::ListCatalogsRequest;
use qconfig_client::{Certificate, Client, ClientTlsConfig, Code, Error, Identity};
use qconfigd::Server;

/// Creates NAME.crt and NAME.key in `folder`, signed by the issuer, or an authority.
fn issue(folder: &Path, name: &str, issuer: Option<&str>) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args([
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args(["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
    if let Some(issuer) = issuer {
        // rustls rejects a server whose certificate is that of an authority.
        command.args(["-CA", &format!("{issuer}.crt"), "-CAkey", &format!("{issuer}.key")]);
        command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn call(server: &str, tls: Option<ClientTlsConfig>) -> Result<(), Error> {
    let builder = Client::builder().server(server);
    let client = match tls {
        Some(tls) => builder.tls(tls),
        None => builder,
    };
    client.build()?.list_catalogs(ListCatalogsRequest::default()).await.map(|_| ())
}

async fn assert_hint(hint: &str, server: &str, tls: Option<ClientTlsConfig>) {
    let error = call(server, tls).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::Unavailable), "{error}");
    assert!(error.to_string().contains(&format!(" (hint: {hint}")), "{error}");
}

#[tokio::test]
async fn mistakes_with_tls() {
    let folder = std::env::temp_dir().join(format!("qconfig-hints-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    for (name, issuer) in [
        ("ca", None),
        ("other-ca", None),
        ("server", Some("ca")),
        ("client", Some("ca")),
        ("stranger", Some("other-ca")),
    ] {
        issue(&folder, name, issuer);
    }
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let trusting = |ca: &str| ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)));
    let options =
        ["--tls-cert", &path("server.crt"), "--tls-key", &path("server.key"), "--tls-client-ca", &path("ca.crt")];
    let server = Server::start_with("127.0.0.1:0", &options);
    let identity = |name: &str| Identity::from_pem(read(&format!("{name}.crt")), read(&format!("{name}.key")));

    call(&server.address, Some(trusting("ca.crt").identity(identity("client")))).await.unwrap();
    for tls in [trusting("ca.crt"), trusting("ca.crt").identity(identity("stranger"))] {
        let error = call(&server.address, Some(tls)).await.unwrap_err().to_string();
        assert!(error.contains(" (hint: the server closed the connection"), "{error}");
        assert!(error.contains(" it requires a client certificate, set ClientTlsConfig::identity"), "{error}");
    }
    let untrusted = "the client does not trust the authority that issued the server's certificate; set \
                     ClientTlsConfig::ca_certificate";
    assert_hint(untrusted, &server.address, Some(trusting("other-ca.crt"))).await;
    assert_hint(untrusted, &server.address, Some(ClientTlsConfig::new().with_native_roots())).await;
    let localhost = server.address.replace("127.0.0.1", "localhost");
    assert_hint("the server's certificate is for another host name", &localhost, Some(trusting("ca.crt"))).await;
    let plaintext = "the server closed the connection; if it uses TLS, set Builder::tls";
    assert_hint(plaintext, &server.address, None).await;

    let plain = Server::start();
    let no_tls = "the server does not use TLS on this port";
    assert_hint(no_tls, &plain.address, Some(trusting("ca.crt"))).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn mistakes_in_the_address() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_hint("no server listens on this address", &unused, None).await;
    assert_hint("the name of the host cannot be resolved", "no-such-host.invalid:1", None).await;
    for (server, hint) in [
        ("https://localhost:50051", "the server is host:port, not a URL; leave out https://, and set Builder::tls"),
        ("http://localhost:50051", "the server is host:port, not a URL; leave out http://"),
        ("localhost", "must have the form host:port, where the port of qconfigd is 50051 by default"),
    ] {
        let error = call(server, None).await.unwrap_err();
        assert!(matches!(error, Error::Options(_)), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}
