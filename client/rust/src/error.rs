// SPDX-License-Identifier: Apache-2.0
use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::v1::{ErrorReason, FieldViolation, ItemError};

/// Why something failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused, and said why.
    #[error(transparent)]
    Server(Box<ServerError>),
    /// The call failed without a word of the server: not reached, not in time, cut off, or refused by gRPC itself.
    #[error("{message} ({code:?})", code = .0.code(), message = .0.message())]
    Transport(#[source] Box<Status>),
    /// The options of a [`Builder`](crate::Builder) that cannot be used.
    #[error("{0}")]
    Options(String),
    /// A digest cannot be verified.
    #[error("the answer has no canonical_json; ask with include_canonical_json")]
    NoCanonicalJson,
}

/// What the server said of a failed call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({})", .reason.as_str_name().trim_start_matches(PREFIX))]
#[non_exhaustive]
pub struct ServerError {
    /// gRPC's code.
    pub code: Code,
    /// For programs. Unspecified when the server is newer than this client and has a reason that is not known here.
    pub reason: ErrorReason,
    /// For people.
    pub message: String,
    /// What belongs to the reason, by the keys that `error.proto` lists.
    pub metadata: HashMap<String, String>,
    /// The fields of the request that are wrong.
    pub field_violations: Vec<FieldViolation>,
}

const DOMAIN: &str = "qconfig";
const PREFIX: &str = "ERROR_REASON_";

impl Error {
    /// gRPC's code, if this is about a call.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Server(error) => Some(error.code),
            Error::Transport(status) => Some(status.code()),
            _ => None,
        }
    }

    /// The server's reason; unspecified when the failure is not the server's word.
    pub fn reason(&self) -> ErrorReason {
        self.server().map_or(ErrorReason::Unspecified, |error| error.reason)
    }

    /// What the server said, if it did.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Error::Server(error) => Some(error),
            _ => None,
        }
    }
}

impl ServerError {
    /// The path of the field that is wrong, such as `layer_config[3].scheme`. Empty: none.
    pub fn field(&self) -> &str {
        self.get("field")
    }

    /// The value that is wrong. Empty: none.
    pub fn value(&self) -> &str {
        self.get("value")
    }

    /// The values that are allowed, or the first of them. Empty: none are listed.
    pub fn allowed(&self) -> &str {
        self.get("allowed")
    }

    /// What was probably meant. Empty: nothing is near.
    pub fn suggestion(&self) -> &str {
        self.get("suggestion")
    }

    fn get(&self, key: &str) -> &str {
        self.metadata.get(key).map_or("", String::as_str)
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) else {
            return Error::Transport(Box::new(status));
        };
        let violations = details.bad_request().map_or(&[][..], |bad| &bad.field_violations);
        Error::Server(Box::new(ServerError {
            code: status.code(),
            reason: ErrorReason::from_str_name(&format!("{PREFIX}{}", info.reason)).unwrap_or_default(),
            message: status.message().to_owned(),
            metadata: info.metadata.clone(),
            field_violations: violations
                .iter()
                .map(|violation| FieldViolation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                })
                .collect(),
        }))
    }
}

/// The failure of one item of a batch, as a call of its own would have given it.
impl From<ItemError> for Error {
    fn from(item: ItemError) -> Self {
        Error::Server(Box::new(ServerError {
            code: Code::from_i32(item.code),
            reason: item.reason(),
            message: item.message,
            metadata: item.metadata,
            field_violations: item.field_violations,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    fn refused(reason: &str, domain: &str) -> Error {
        let metadata = HashMap::from([("field".to_owned(), "scheme".to_owned())]);
        let mut details = ErrorDetails::with_error_info(reason, domain, metadata);
        details.add_bad_request_violation("scheme", "no such name");
        Status::with_error_details(Code::NotFound, "no scheme has this name", details).into()
    }

    #[test]
    fn has_what_the_server_said() {
        let error = refused("SCHEME_NOT_FOUND", DOMAIN);
        assert_eq!(error.to_string(), "no scheme has this name (SCHEME_NOT_FOUND)");
        assert_eq!(error.code(), Some(Code::NotFound));
        assert_eq!(error.reason(), ErrorReason::SchemeNotFound);
        let server = error.server().unwrap();
        assert_eq!((server.field(), server.suggestion()), ("scheme", ""));
        assert_eq!(server.field_violations[0].description, "no such name");
    }

    #[test]
    fn a_reason_of_a_newer_server_is_unspecified() {
        let error = refused("TOO_LATE", DOMAIN);
        assert_eq!(error.reason(), ErrorReason::Unspecified);
        assert_eq!(error.server().unwrap().field(), "scheme");
    }

    #[test]
    fn the_word_of_others_is_not_the_servers() {
        let error = refused("SCHEME_NOT_FOUND", "example.com");
        assert!(matches!(error, Error::Transport(_)));
        assert_eq!(error.reason(), ErrorReason::Unspecified);
    }

    #[test]
    fn an_item_of_a_batch_fails_like_a_call() {
        let item = ItemError { code: 5, reason: ErrorReason::SchemeNotFound as i32, ..Default::default() };
        let error = Error::from(item);
        assert_eq!((error.code(), error.reason()), (Some(Code::NotFound), ErrorReason::SchemeNotFound));
    }
}
