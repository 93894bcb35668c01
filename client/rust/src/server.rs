// SPDX-License-Identifier: Apache-2.0
use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status, TimeoutExpired};

use crate::Error;
use crate::hints::connection_hint;

/// How long the client avoids a server after its connection failed. Grows with each failure until the server answers.
const INITIAL_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);
const PAUSE_GROWTH: f64 = 1.6;

/// A server and its connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: String,
    tls: bool,
    channel: Channel,
    pause: Mutex<Option<Pause>>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    length: Duration,
}

/// Why a call failed.
pub(crate) enum Failure {
    /// The connection could not be established, or was lost.
    Connection(Status),
    /// The server returned an error, or the deadline expired.
    Call(Status),
}

impl Server {
    pub fn new(address: &str, tls: Option<&ClientTlsConfig>) -> Result<Self, Error> {
        let channel = channel(address, tls)?;
        Ok(Self { address: address.to_owned(), tls: tls.is_some(), channel, pause: Mutex::default() })
    }

    /// Whether the client avoids the server because its connection failed.
    pub fn is_down(&self) -> bool {
        self.pause().is_some_and(|pause| Instant::now() < pause.until)
    }

    /// Makes one attempt. `timeout` is that of the whole call, for the error message.
    pub async fn call<Q, A, F>(
        &self,
        timeout: Duration,
        deadline: Instant,
        mut request: Request<Q>,
        send: impl FnOnce(Channel, Request<Q>) -> F,
    ) -> Result<A, Failure>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        match timeout_at(deadline, send(self.channel.clone(), request)).await {
            Ok(Ok(response)) => {
                self.answered();
                Ok(response.into_inner())
            }
            Ok(Err(status)) if !is_late(&status) => Err(self.failure(status)),
            _ => {
                Err(Failure::Call(Status::deadline_exceeded(format!("{}: no answer within {timeout:?}", self.address))))
            }
        }
    }

    /// Returns UNAVAILABLE for connection errors, for which tonic uses various codes and hides the cause. Errors that the
    /// server sent are unchanged.
    fn failure(&self, status: Status) -> Failure {
        let Some(cause) = status.source() else {
            self.answered();
            return Failure::Call(status);
        };
        self.disconnected();
        let text = with_causes(cause);
        let hint =
            connection_hint(&text, &self.address, self.tls).map_or(String::new(), |hint| format!(" (hint: {hint})"));
        let mut unavailable = Status::unavailable(format!("{}: {text}{hint}", self.address));
        unavailable.set_source(Arc::new(status));
        Failure::Connection(unavailable)
    }

    fn answered(&self) {
        *self.pause() = None;
    }

    /// Starts a pause, unless there is one already: all calls on a lost connection fail at the same time.
    fn disconnected(&self) {
        let (mut pause, now) = (self.pause(), Instant::now());
        let length = match *pause {
            Some(pause) if now < pause.until => return,
            Some(pause) => pause.length.mul_f64(PAUSE_GROWTH).min(MAX_PAUSE),
            None => INITIAL_PAUSE,
        };
        *pause = Some(Pause { until: now + length.mul_f64(0.8 + 0.4 * fastrand::f64()), length });
    }

    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn channel(address: &str, tls: Option<&ClientTlsConfig>) -> Result<Channel, Error> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .ok()
        .filter(|endpoint| endpoint.uri().port().is_some() && endpoint.uri().path() == "/")
        .ok_or_else(|| {
            let hint = connection_hint("", address, tls.is_some()).map_or(String::new(), |hint| format!(": {hint}"));
            let form = "host:port, where the port of qconfigd is 50051 by default";
            Error::Options(format!("server {address:?} must have the form {form}{hint}"))
        })?
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(10));
    if let Some(tls) = tls {
        endpoint = endpoint
            .tls_config(tls.clone())
            .map_err(|error| Error::Options(format!("invalid TLS options: {}", with_causes(&error))))?;
    }
    Ok(endpoint.connect_lazy())
}

fn is_late(status: &Status) -> bool {
    causes(status).any(|error| error.is::<TimeoutExpired>())
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// Iterates over the error and its causes.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, pause};

    fn server() -> Server {
        Server::new("localhost:50051", None).unwrap()
    }

    #[tokio::test]
    async fn pauses_grow_until_the_server_answers() {
        pause();
        let server = server();
        for (least, most) in [(80, 120), (128, 192), (205, 307)] {
            server.disconnected();
            advance(Duration::from_millis(least - 1)).await;
            assert!(server.is_down());
            advance(Duration::from_millis(most + 2 - least)).await;
            assert!(!server.is_down());
        }
        for _ in 0..20 {
            server.disconnected();
            advance(Duration::from_secs(6)).await;
            assert!(!server.is_down());
        }
        server.disconnected();
        server.answered();
        assert!(!server.is_down());
        server.disconnected();
        advance(Duration::from_millis(121)).await;
        assert!(!server.is_down());
    }

    #[tokio::test]
    async fn simultaneous_failures_start_one_pause() {
        pause();
        let server = server();
        for _ in 0..100 {
            server.disconnected();
        }
        advance(Duration::from_millis(121)).await;
        assert!(!server.is_down());
    }
}
