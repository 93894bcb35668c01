// SPDX-License-Identifier: Apache-2.0
//! The default retry policy must match the service config that all clients share.

use qconfig_client::RetryPolicy;
use serde_json::json;

#[test]
fn the_default_policy_matches_the_service_config() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../service_config.json");
    let config: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let policy = RetryPolicy::default();
    let retry = json!({
        "maxAttempts": policy.max_attempts,
        "initialBackoff": format!("{}s", policy.initial_backoff.as_secs_f64()),
        "maxBackoff": format!("{}s", policy.max_backoff.as_secs_f64()),
        "backoffMultiplier": policy.backoff_multiplier,
        "retryableStatusCodes": ["UNAVAILABLE"],
    });
    assert_eq!(config["methodConfig"][0]["retryPolicy"], retry);
    assert_eq!(config["retryThrottling"]["maxTokens"].as_f64(), Some(policy.max_tokens));
    assert_eq!(config["retryThrottling"]["tokenRatio"].as_f64(), Some(policy.token_ratio));
}
