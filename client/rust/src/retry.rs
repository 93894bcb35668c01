// SPDX-License-Identifier: Apache-2.0
use std::sync::Mutex;
use std::time::Duration;

use tonic::{Code, Status};

use crate::Error;

/// When to retry a call that failed with UNAVAILABLE. tonic does not implement this part of gRPC's service config.
///
/// The defaults are those of qconfig's `service_config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// The maximum number of attempts, including the first.
    pub max_attempts: u32,
    /// The backoff after the first attempt, before jitter of ±20 %.
    pub initial_backoff: Duration,
    /// The maximum backoff.
    pub max_backoff: Duration,
    /// The factor by which the backoff grows after each attempt.
    pub backoff_multiplier: f64,
    /// The number of tokens. A failure costs one token, and calls are retried only while more than half are left.
    pub max_tokens: f64,
    /// The number of tokens that a success adds.
    pub token_ratio: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            backoff_multiplier: 2.5,
            max_tokens: 100.0,
            token_ratio: 0.1,
        }
    }
}

impl RetryPolicy {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let numbers = [
            ("backoff_multiplier", self.backoff_multiplier),
            ("max_tokens", self.max_tokens),
            ("token_ratio", self.token_ratio),
        ];
        match numbers.into_iter().find(|(_, number)| !number.is_finite() || *number < 0.0) {
            Some((name, number)) => {
                Err(Error::Options(format!("invalid {name} {number} in the retry policy; it must be at least 0")))
            }
            None => Ok(()),
        }
    }
}

/// A policy, and the tokens that are shared by all calls of a client. Thread-safe.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    tokens: Mutex<f64>,
}

/// The attempts of a call.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    done: u32,
    backoffs: i32,
}

impl Retries {
    pub fn new(policy: RetryPolicy) -> Self {
        Self { tokens: Mutex::new(policy.max_tokens), policy }
    }

    pub fn succeeded(&self) {
        self.add_tokens(self.policy.token_ratio);
    }

    /// Returns how long to wait before the next attempt, or `None` to give up.
    pub fn delay(&self, attempts: &mut Attempts, status: &Status) -> Option<Duration> {
        attempts.done += 1;
        if status.code() != Code::Unavailable {
            return None;
        }
        let tokens = self.add_tokens(-1.0);
        if attempts.done >= self.policy.max_attempts || tokens <= self.policy.max_tokens / 2.0 {
            return None;
        }
        if let Some(pushback) = status.metadata().get("grpc-retry-pushback-ms") {
            attempts.backoffs = 0;
            return pushback.to_str().ok()?.parse().ok().map(Duration::from_millis);
        }
        let backoff =
            self.policy.initial_backoff.as_secs_f64() * self.policy.backoff_multiplier.powi(attempts.backoffs);
        attempts.backoffs += 1;
        let seconds = backoff.min(self.policy.max_backoff.as_secs_f64()) * (0.8 + 0.4 * fastrand::f64());
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }

    fn add_tokens(&self, count: f64) -> f64 {
        let mut tokens = self.tokens.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *tokens = (*tokens + count).clamp(0.0, self.policy.max_tokens);
        *tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::metadata::MetadataMap;

    fn retries() -> Retries {
        Retries::new(RetryPolicy::default())
    }

    fn pushed_back(text: &str) -> Status {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-retry-pushback-ms", text.parse().unwrap());
        Status::with_metadata(Code::Unavailable, "busy", metadata)
    }

    #[test]
    fn backs_off_and_gives_up() {
        let (retries, mut attempts, status) = (retries(), Attempts::default(), Status::unavailable("gone"));
        for (least, most) in [(80, 120), (200, 300), (500, 750)] {
            let delay = retries.delay(&mut attempts, &status).unwrap();
            assert!((Duration::from_millis(least)..=Duration::from_millis(most)).contains(&delay), "{delay:?}");
        }
        assert_eq!(retries.delay(&mut attempts, &status), None);
    }

    #[test]
    fn limits_the_backoff() {
        let retries = Retries::new(RetryPolicy { max_attempts: 50, ..Default::default() });
        let mut attempts = Attempts::default();
        for _ in 0..40 {
            assert!(retries.delay(&mut attempts, &Status::unavailable("gone")).unwrap() <= Duration::from_secs(6));
        }
    }

    #[test]
    fn retries_only_unavailable() {
        assert_eq!(retries().delay(&mut Attempts::default(), &Status::not_found("no")), None);
    }

    #[test]
    fn honours_the_servers_pushback() {
        let delay = |text| retries().delay(&mut Attempts::default(), &pushed_back(text));
        assert_eq!(delay("0"), Some(Duration::ZERO));
        assert_eq!(delay("250"), Some(Duration::from_millis(250)));
        assert_eq!(delay("-1"), None);
        assert_eq!(delay("soon"), None);
    }

    #[test]
    fn stops_retrying_after_many_failures_until_calls_succeed() {
        let retries = retries();
        let retried = || retries.delay(&mut Attempts::default(), &Status::unavailable("gone")).is_some();
        assert_eq!((0..60).filter(|_| retried()).count(), 49);
        (0..500).for_each(|_| retries.succeeded());
        assert!(retried());
    }

    #[test]
    fn accepts_an_unlimited_backoff() {
        let (initial_backoff, max_backoff) = (Duration::MAX, Duration::MAX);
        let retries = Retries::new(RetryPolicy { initial_backoff, max_backoff, ..Default::default() });
        for _ in 0..20 {
            assert!(retries.delay(&mut Attempts::default(), &Status::unavailable("gone")).is_some());
        }
    }
}
