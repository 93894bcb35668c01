// SPDX-License-Identifier: Apache-2.0
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, ClientTlsConfig};
use tonic::{Request, Response, Status};

use crate::Error;
use crate::retry::{Attempts, Retries, RetryPolicy};
use crate::server::{Failure, Server};
use crate::token::Authentication;

/// Longer timeouts are truncated, because `Instant` could overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The servers to call, round robin.
#[derive(Debug)]
pub(crate) struct Servers {
    all: Vec<Server>,
    turn: AtomicUsize,
    retries: Option<Retries>,
    authentication: Authentication,
}

impl Servers {
    pub fn new(
        addresses: &str,
        tls: Option<&ClientTlsConfig>,
        retry: Option<RetryPolicy>,
        authentication: Authentication,
    ) -> Result<Self, Error> {
        let all =
            addresses.split(',').map(|address| Server::new(address.trim(), tls)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { all, turn: AtomicUsize::new(0), retries: retry.map(Retries::new), authentication })
    }

    /// Makes the call, each attempt on the next server, until it succeeds or fails with an error that is not retried.
    /// Returns DEADLINE_EXCEEDED at once if the deadline leaves no time for the next attempt.
    pub async fn call<Q, A, F>(
        &self,
        timeout: Duration,
        request: Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = Instant::now() + timeout.min(MAX_TIMEOUT);
        let header = self.authentication.header()?;
        let mut attempts = Attempts::default();
        let mut others = self.all.len() - 1;
        loop {
            let mut attempt = Request::new(request.clone());
            if let Some(header) = &header {
                attempt.metadata_mut().insert("authorization", header.clone());
            }
            let status = match self.next().call(timeout, deadline, attempt, &send).await {
                Ok(answer) => {
                    self.retries.iter().for_each(Retries::succeeded);
                    return Ok(answer);
                }
                Err(Failure::Connection(_)) if self.retries.is_some() && others > 0 && self.is_one_up() => {
                    others -= 1;
                    continue;
                }
                Err(Failure::Connection(status) | Failure::Call(status)) => status,
            };
            match self.retries.as_ref().and_then(|retries| retries.delay(&mut attempts, &status)) {
                None => return Err(status.into()),
                Some(delay) if delay < deadline.saturating_duration_since(Instant::now()) => sleep(delay).await,
                Some(_) => return Err(no_time(timeout, status).into()),
            }
        }
    }

    /// Returns the next server that is not down, or the next server if all are down.
    fn next(&self) -> &Server {
        let next = || &self.all[self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len()];
        (0..self.all.len()).map(|_| next()).find(|server| !server.is_down()).unwrap_or_else(next)
    }

    fn is_one_up(&self) -> bool {
        self.all.iter().any(|server| !server.is_down())
    }
}

fn no_time(timeout: Duration, status: Status) -> Status {
    let text = format!("no time for another attempt within {timeout:?}; last error: {}", status.message());
    let mut exceeded = Status::deadline_exceeded(text);
    exceeded.set_source(Arc::new(status));
    exceeded
}
