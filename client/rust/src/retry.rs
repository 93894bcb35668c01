// SPDX-License-Identifier: Apache-2.0
use std::sync::Mutex;
use std::time::Duration;

use tonic::{Code, Status};

use crate::Error;

/// When a call that failed as UNAVAILABLE is tried again: the part of gRPC's service config that tonic lacks.
///
/// The default is what qconfig's `service_config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How often a call is tried in all.
    pub max_attempts: u32,
    /// The wait after the first try, before a random part of up to a fifth is added or taken away.
    pub initial_backoff: Duration,
    /// The longest wait.
    pub max_backoff: Duration,
    /// How many times as long each wait is as the one before.
    pub backoff_multiplier: f64,
    /// A failure costs one token, and nothing is tried again while no more than half of them are left.
    pub max_tokens: f64,
    /// How many tokens a success brings back.
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
                Err(Error::Options(format!("{name} of the retry policy is {number}; it must be 0 or more")))
            }
            None => Ok(()),
        }
    }
}

/// A policy and the tokens that all calls of a client share. Thread-safe.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    tokens: Mutex<f64>,
}

/// The tries of one call.
#[derive(Debug, Default)]
pub(crate) struct Tries {
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

    /// How long to wait before the call is tried again; nothing: not at all.
    pub fn delay(&self, tries: &mut Tries, status: &Status) -> Option<Duration> {
        tries.done += 1;
        if status.code() != Code::Unavailable {
            return None;
        }
        let tokens = self.add_tokens(-1.0);
        if tries.done >= self.policy.max_attempts || tokens <= self.policy.max_tokens / 2.0 {
            return None;
        }
        if let Some(pushback) = status.metadata().get("grpc-retry-pushback-ms") {
            tries.backoffs = 0;
            return pushback.to_str().ok()?.parse().ok().map(Duration::from_millis);
        }
        let backoff = self.policy.initial_backoff.as_secs_f64() * self.policy.backoff_multiplier.powi(tries.backoffs);
        tries.backoffs += 1;
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
    fn waits_longer_each_time_and_gives_up() {
        let (retries, mut tries, status) = (retries(), Tries::default(), Status::unavailable("gone"));
        for (least, most) in [(80, 120), (200, 300), (500, 750)] {
            let delay = retries.delay(&mut tries, &status).unwrap();
            assert!((Duration::from_millis(least)..=Duration::from_millis(most)).contains(&delay), "{delay:?}");
        }
        assert_eq!(retries.delay(&mut tries, &status), None);
    }

    #[test]
    fn never_waits_much_longer_than_the_longest_wait() {
        let retries = Retries::new(RetryPolicy { max_attempts: 50, ..Default::default() });
        let mut tries = Tries::default();
        for _ in 0..40 {
            assert!(retries.delay(&mut tries, &Status::unavailable("gone")).unwrap() <= Duration::from_secs(6));
        }
    }

    #[test]
    fn only_unavailable_is_tried_again() {
        assert_eq!(retries().delay(&mut Tries::default(), &Status::not_found("no")), None);
    }

    #[test]
    fn does_as_the_server_says() {
        let delay = |text| retries().delay(&mut Tries::default(), &pushed_back(text));
        assert_eq!(delay("0"), Some(Duration::ZERO));
        assert_eq!(delay("250"), Some(Duration::from_millis(250)));
        assert_eq!(delay("-1"), None);
        assert_eq!(delay("soon"), None);
    }

    #[test]
    fn many_failures_end_all_retries_until_calls_succeed() {
        let retries = retries();
        let tried_again = || retries.delay(&mut Tries::default(), &Status::unavailable("gone")).is_some();
        assert_eq!((0..60).filter(|_| tried_again()).count(), 49);
        (0..500).for_each(|_| retries.succeeded());
        assert!(tried_again());
    }

    #[test]
    fn the_longest_wait_may_be_endless() {
        let (initial_backoff, max_backoff) = (Duration::MAX, Duration::MAX);
        let retries = Retries::new(RetryPolicy { initial_backoff, max_backoff, ..Default::default() });
        for _ in 0..20 {
            assert!(retries.delay(&mut Tries::default(), &Status::unavailable("gone")).is_some());
        }
    }
}
