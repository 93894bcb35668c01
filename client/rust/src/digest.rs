// SPDX-License-Identifier: Apache-2.0
use sha2::{Digest, Sha256};

use crate::Error;
use crate::v1::GetConfigResponse;

/// Returns whether `config_digest` is the SHA-256 of `canonical_json`.
///
/// Returns [`Error::NoCanonicalJson`] if the response has no `canonical_json`. The server sends it if the request sets
/// `include_canonical_json`.
pub fn verify_digest(response: &GetConfigResponse) -> Result<bool, Error> {
    if response.canonical_json.is_empty() {
        return Err(Error::NoCanonicalJson);
    }
    Ok(format!("{:x}", Sha256::digest(&response.canonical_json)) == response.config_digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(json: &str) -> GetConfigResponse {
        GetConfigResponse {
            canonical_json: json.to_owned(),
            config_digest: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn compares_the_sha256_of_the_canonical_json() {
        assert!(verify_digest(&response("{}")).unwrap());
        assert!(!verify_digest(&response("{ }")).unwrap());
    }

    #[test]
    fn requires_the_canonical_json() {
        assert!(matches!(verify_digest(&response("")), Err(Error::NoCanonicalJson)));
    }
}
