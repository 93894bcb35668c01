// SPDX-License-Identifier: Apache-2.0
// A copy of client/service_config.json.
export const SERVICE_CONFIG = `{
  "loadBalancingConfig": [{ "round_robin": {} }],
  "healthCheckConfig": { "serviceName": "" },
  "methodConfig": [
    {
      "name": [{ "service": "qconfig.v1.ConfigService" }, { "service": "qconfig.v1.RegistryService" }],
      "retryPolicy": {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "5s",
        "backoffMultiplier": 2.5,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    }
  ],
  "retryThrottling": { "maxTokens": 100, "tokenRatio": 0.1 }
}`;
