// SPDX-License-Identifier: Apache-2.0
// A copy of client/connection_hints.json.
export const CONNECTION_HINTS = {
  "about": "What every client adds to the message of a call that fails with UNAVAILABLE and without a reason: the text of the first hint that applies. server_begins: how the server's address begins. server_has_port: whether the address contains a colon. tls, cert: whether the client uses TLS, and whether it has a certificate; a client that does not know ignores hints with cert. message: gRPC's message contains a text of this list in messages, which are those of all its libraries. {tls}, {ca} and {cert} stand for the client's options.",
  "options": {
    "qconfigctl": {
      "tls": "--tls or --tls-ca FILE",
      "ca": "--tls-ca FILE",
      "cert": "--client-cert FILE and --client-key FILE"
    },
    "cpp": { "tls": "ClientOptions::tls", "ca": "TlsOptions::ca", "cert": "TlsOptions::cert and key" },
    "python": { "tls": "tls=Tls(ca=FILE)", "ca": "Tls(ca=FILE)", "cert": "Tls(cert=FILE, key=FILE)" },
    "go": { "tls": "Options.TLS", "ca": "RootCAs of Options.TLS", "cert": "Certificates of Options.TLS" },
    "typescript": { "tls": "the option tls", "ca": "tls.ca", "cert": "tls.cert and tls.key" },
    "java": {
      "tls": "credentials(TlsChannelCredentials.create())",
      "ca": "TlsChannelCredentials.Builder.trustManager",
      "cert": "TlsChannelCredentials.Builder.keyManager"
    },
    "rust": { "tls": "Builder::tls", "ca": "ClientTlsConfig::ca_certificate", "cert": "ClientTlsConfig::identity" }
  },
  "messages": {
    "refused": ["Connection refused", "connection refused", "ECONNREFUSED"],
    "unresolved": [
      "DNS resolution failed",
      "errors resolving",
      "Name resolution failed",
      "no such host",
      "no children to pick from",
      "Unable to resolve host",
      "failed to lookup address"
    ],
    "http1": [
      "http1.x server",
      "looked like an HTTP/1.1 header",
      "Protocol error",
      "First received frame was not SETTINGS",
      "frame with invalid size"
    ],
    "no_tls": [
      "wrong version number",
      "WRONG_VERSION_NUMBER",
      "first record does not look like a TLS handshake",
      "not an SSL/TLS record",
      "received corrupt message of type InvalidContentType"
    ],
    "wrong_name": [
      "is not in peer certificate",
      "Hostname Verification Check failed",
      "x509: certificate is valid for",
      "x509: certificate is not valid for",
      "x509: cannot validate certificate for",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "No subject alternative",
      "No name matching",
      "certificate not valid for name"
    ],
    "expired": ["certificate has expired", "NotAfter", "invalid peer certificate: Expired"],
    "unknown_authority": [
      "unable to get local issuer certificate",
      "self-signed certificate",
      "self signed certificate",
      "certificate signed by unknown authority",
      "unable to verify the first certificate",
      "unable to find valid certification path",
      "UnknownIssuer"
    ],
    "unverified": ["certificate verify failed", "CERTIFICATE_VERIFY_FAILED"],
    "closed_in_handshake": [
      "Connection closed while performing TLS negotiation",
      "Client network socket disconnected before secure TLS connection was established",
      "remote error: tls",
      "received fatal alert"
    ],
    "closed": [
      "Socket closed",
      "Network closed for unknown reason",
      "socket hang up",
      "error reading server preface: EOF",
      "broken pipe",
      "Broken pipe",
      "connection reset by peer",
      "Connection reset by peer",
      "ECONNRESET",
      "Failed to connect (",
      "operation was canceled: connection closed",
      "peer closed connection without sending TLS close_notify"
    ]
  },
  "hints": [
    {
      "server_begins": "https://",
      "text": "the server is host:port, not a URL; leave out https://, and set {tls}"
    },
    {
      "server_begins": "http://",
      "text": "the server is host:port, not a URL; leave out http://"
    },
    {
      "server_has_port": false,
      "message": "refused",
      "text": "the server has no port; set host:port, where the port of qconfigd is 50051 by default"
    },
    {
      "server_has_port": false,
      "message": "unresolved",
      "text": "the server has no port; set host:port, where the port of qconfigd is 50051 by default"
    },
    {
      "server_has_port": false,
      "message": "http1",
      "text": "the server has no port; set host:port, where the port of qconfigd is 50051 by default"
    },
    {
      "server_has_port": false,
      "message": "closed",
      "text": "the server has no port; set host:port, where the port of qconfigd is 50051 by default"
    },
    {
      "message": "refused",
      "text": "no server listens on this address; check host and port, and whether qconfigd is running"
    },
    {
      "message": "unresolved",
      "text": "the name of the host cannot be resolved; check the name, and DNS"
    },
    {
      "tls": false,
      "message": "http1",
      "text": "the server speaks HTTP/1 on this port, as the admin port of qconfigd does; use the port of --listen, by default 50051"
    },
    {
      "tls": true,
      "message": "no_tls",
      "text": "the server does not use TLS on this port; connect without TLS, or check the port: the admin port of qconfigd never uses TLS"
    },
    {
      "tls": true,
      "message": "wrong_name",
      "text": "the server's certificate is for another host name; connect to a name or an address that the certificate has"
    },
    {
      "tls": true,
      "message": "expired",
      "text": "the server's certificate has expired; renew it, or correct the clock of this machine"
    },
    {
      "tls": true,
      "message": "unknown_authority",
      "text": "the client does not trust the authority that issued the server's certificate; set {ca} to the certificate of that authority"
    },
    {
      "tls": true,
      "message": "unverified",
      "text": "the client does not trust the authority that issued the server's certificate, or the certificate has expired; set {ca} to the certificate of that authority"
    },
    {
      "tls": true,
      "cert": true,
      "message": "closed_in_handshake",
      "text": "the server closed the connection during the TLS handshake; it may not trust the authority that issued the certificate in {cert}, or the certificate has expired"
    },
    {
      "tls": true,
      "cert": false,
      "message": "closed_in_handshake",
      "text": "the server closed the connection during the TLS handshake; if it requires a client certificate, set {cert}"
    },
    {
      "tls": true,
      "message": "closed_in_handshake",
      "text": "the server closed the connection during the TLS handshake; if it requires a client certificate, set {cert} to one of an authority that the server trusts"
    },
    {
      "tls": true,
      "cert": true,
      "message": "closed",
      "text": "the server closed the connection; if no call has succeeded yet, it may not trust the authority that issued the certificate in {cert}, or the certificate has expired"
    },
    {
      "tls": true,
      "cert": false,
      "message": "closed",
      "text": "the server closed the connection; if no call has succeeded yet and it requires a client certificate, set {cert}"
    },
    {
      "tls": true,
      "message": "closed",
      "text": "the server closed the connection; if no call has succeeded yet and it requires a client certificate, set {cert} to one of an authority that the server trusts"
    },
    {
      "tls": false,
      "message": "closed",
      "text": "the server closed the connection; if it uses TLS, set {tls}; if this is the admin port of qconfigd, use the port of --listen, by default 50051"
    }
  ]
};
