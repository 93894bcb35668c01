// SPDX-License-Identifier: Apache-2.0
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status, TimeoutExpired};

use crate::Error;
use crate::retry::{Retries, RetryPolicy, Tries};

/// Longer ones are as good as none.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The servers that calls go to, in turns, each over a connection of its own.
#[derive(Debug)]
pub(crate) struct Servers {
    all: Vec<(String, Channel)>,
    turn: AtomicUsize,
    retries: Option<Retries>,
}

impl Servers {
    pub fn new(addresses: &str, tls: Option<&ClientTlsConfig>, retry: Option<RetryPolicy>) -> Result<Self, Error> {
        let all = addresses
            .split(',')
            .map(|address| Ok((address.trim().to_owned(), channel(address.trim(), tls)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { all, turn: AtomicUsize::new(0), retries: retry.map(Retries::new) })
    }

    /// Tries the call, each time on the next server, until it succeeds, or fails in a way that another try would not
    /// mend. DEADLINE_EXCEEDED, without a wait, when there is no time for another try.
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
        let deadline = Instant::now() + timeout.min(LONGEST_TIMEOUT);
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut tries = Tries::default();
        loop {
            let (address, channel) = &self.all[self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len()];
            let mut message = Request::new(request.clone());
            message.set_timeout(left());
            let status = match timeout_at(deadline, send(channel.clone(), message)).await {
                Ok(Ok(response)) => {
                    self.retries.iter().for_each(Retries::succeeded);
                    return Ok(response.into_inner());
                }
                Ok(Err(status)) if !is_late(&status) => told_by(address, status),
                _ => Status::deadline_exceeded(format!("{address}: no answer within {timeout:?}")),
            };
            match self.retries.as_ref().and_then(|retries| retries.delay(&mut tries, &status)) {
                None => return Err(status.into()),
                Some(delay) if delay < left() => sleep(delay).await,
                Some(_) => return Err(no_time(timeout, status).into()),
            }
        }
    }
}

fn channel(address: &str, tls: Option<&ClientTlsConfig>) -> Result<Channel, Error> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .ok()
        .filter(|endpoint| endpoint.uri().port().is_some() && endpoint.uri().path() == "/")
        .ok_or_else(|| Error::Options(format!("server {address:?} is not of the form host:port")))?
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(10));
    if let Some(tls) = tls {
        endpoint = endpoint
            .tls_config(tls.clone())
            .map_err(|error| Error::Options(format!("TLS cannot be used so: {}", with_causes(&error))))?;
    }
    Ok(endpoint.connect_lazy())
}

fn is_late(status: &Status) -> bool {
    causes(status).any(|error| error.is::<TimeoutExpired>())
}

/// UNAVAILABLE for a connection that could not be made or that broke, for which tonic has various codes and hides the
/// cause. What the server sent stays as it is.
fn told_by(address: &str, status: Status) -> Status {
    let Some(cause) = status.source() else { return status };
    let mut unavailable = Status::unavailable(format!("{address}: {}", with_causes(cause)));
    unavailable.set_source(Arc::new(status));
    unavailable
}

fn no_time(timeout: Duration, status: Status) -> Status {
    let text = format!("no time for another try within {timeout:?}; the last one: {}", status.message());
    let mut exceeded = Status::deadline_exceeded(text);
    exceeded.set_source(Arc::new(status));
    exceeded
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// The error and what it comes from.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
