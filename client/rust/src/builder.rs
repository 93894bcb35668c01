// SPDX-License-Identifier: Apache-2.0
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tonic::transport::ClientTlsConfig;

use crate::servers::Servers;
use crate::token::Authentication;
use crate::{Client, Error, RetryPolicy};

/// The options of a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    server: String,
    tenant: String,
    catalog: String,
    timeout: Duration,
    tls: Option<ClientTlsConfig>,
    token_file: PathBuf,
    allow_unencrypted_token: bool,
    retry: Option<RetryPolicy>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            server: "localhost:50051".to_owned(),
            tenant: String::new(),
            catalog: String::new(),
            timeout: Duration::from_secs(10),
            tls: None,
            token_file: std::env::var_os("QCONFIG_TOKEN_FILE").unwrap_or_default().into(),
            allow_unencrypted_token: std::env::var_os("QCONFIG_ALLOW_UNENCRYPTED_TOKEN")
                .is_some_and(|value| value == "true"),
            retry: Some(RetryPolicy::default()),
        }
    }
}

impl Builder {
    /// `host:port`, or several separated by commas, which the client uses round robin. Default: `localhost:50051`.
    pub fn server(mut self, server: impl Into<String>) -> Self {
        self.server = server.into();
        self
    }

    /// The tenant of requests that do not set one. Default: empty, the caller's default tenant, which a policy can set.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// The catalogue of requests that do not set one.
    pub fn catalog(mut self, catalog: impl Into<String>) -> Self {
        self.catalog = catalog.into();
        self
    }

    /// The timeout of a call, including its retries. Default: 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The authorities to trust, and the client's certificate. Default: no TLS.
    /// `ClientTlsConfig::new().with_native_roots()` trusts the system's authorities.
    pub fn tls(mut self, tls: ClientTlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The file with the token that authenticates each call; an empty path: no token. A new token in the file is used
    /// within a second. Default: the environment variable `QCONFIG_TOKEN_FILE`.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_file = path.into();
        self
    }

    /// Whether to send the token even without TLS, so that everyone on the way to the server can read it. Default:
    /// whether the environment variable `QCONFIG_ALLOW_UNENCRYPTED_TOKEN` is `true`.
    pub fn allow_unencrypted_token(mut self, allow: bool) -> Self {
        self.allow_unencrypted_token = allow;
        self
    }

    /// When to retry calls. `None`: never.
    pub fn retry(mut self, retry: impl Into<Option<RetryPolicy>>) -> Self {
        self.retry = retry.into();
        self
    }

    /// Builds the client, which connects at its first call. It belongs to the current Tokio runtime.
    ///
    /// Returns [`Error::Options`] outside a Tokio runtime, or if the server, the retry policy or the TLS options are
    /// invalid.
    pub fn build(self) -> Result<Client, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Options("a client must be built inside a Tokio runtime".to_owned()));
        }
        self.retry.as_ref().map_or(Ok(()), RetryPolicy::check)?;
        let authentication = Authentication::new(self.token_file, self.tls.is_some(), self.allow_unencrypted_token);
        let servers = Servers::new(&self.server, self.tls.as_ref(), self.retry, authentication)?;
        Ok(Client::new(servers, self.tenant, self.catalog, self.timeout))
    }
}

/// Omits `tls`, whose `Debug` output contains the private key, and `token_file`, which could be a token by mistake.
impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("server", &self.server)
            .field("tenant", &self.tenant)
            .field("catalog", &self.catalog)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_error(builder: Builder) -> String {
        match builder.build() {
            Err(Error::Options(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn rejects_invalid_servers() {
        for server in
            ["", "localhost", "localhost:", "a b:1", "http://localhost:50051", "localhost:50051/x", "a:1,,b:2"]
        {
            assert!(
                build_error(Builder::default().server(server)).contains("must have the form host:port"),
                "{server}"
            );
        }
        for server in ["localhost:50051", "[::1]:50051", "10.0.0.1:1, 10.0.0.2:1"] {
            assert!(Builder::default().server(server).build().is_ok(), "{server}");
        }
    }

    #[tokio::test]
    async fn rejects_invalid_retry_policies() {
        for number in [-1.0, f64::NAN, f64::INFINITY] {
            for (name, policy) in [
                ("backoff_multiplier", RetryPolicy { backoff_multiplier: number, ..Default::default() }),
                ("max_tokens", RetryPolicy { max_tokens: number, ..Default::default() }),
                ("token_ratio", RetryPolicy { token_ratio: number, ..Default::default() }),
            ] {
                assert!(build_error(Builder::default().retry(policy)).contains(name), "{name} {number}");
            }
        }
    }

    #[test]
    fn does_not_show_the_private_key() {
        let tls = |key| ClientTlsConfig::new().identity(tonic::transport::Identity::from_pem("", key));
        let shown = |key| format!("{:?}", Builder::default().tls(tls(key)));
        assert_eq!(shown("one key"), shown("another"));
    }

    #[test]
    fn requires_a_runtime() {
        assert!(build_error(Builder::default()).contains("Tokio runtime"));
    }
}
