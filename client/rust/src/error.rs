// SPDX-License-Identifier: Apache-2.0
use std::collections::HashMap;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::v1::{ErrorDetail, ErrorReason, FieldViolation, ItemError};

/// The error of a call or an operation of this crate.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server rejected the call with a reason.
    #[error(transparent)]
    Server(Box<ServerError>),
    /// The call failed without a response from the server: no connection, a lost connection, an expired deadline, or an
    /// error of gRPC itself.
    #[error("{message} ({code:?})", code = .0.code(), message = .0.message())]
    Transport(#[source] Box<Status>),
    /// The options of a [`Builder`](crate::Builder) are invalid.
    #[error("{0}")]
    Options(String),
    /// The token file is invalid, or the token would be sent unencrypted. Nothing was sent. The text has no part of the
    /// token.
    #[error("{0}")]
    Token(String),
    /// The digest cannot be verified without `canonical_json`.
    #[error("the response has no canonical_json; set include_canonical_json in the request")]
    NoCanonicalJson,
}

/// The server's error for a failed call or batch item.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({})", .reason.as_str_name().trim_start_matches(PREFIX))]
#[non_exhaustive]
pub struct ServerError {
    /// The gRPC status code.
    pub code: Code,
    /// The machine-readable reason. Unspecified if it is unknown to this client, because the server is newer.
    pub reason: ErrorReason,
    /// A text for people.
    pub message: String,
    /// The field, its value, the accepted values, suggestions, and more. Fields that do not apply are empty or 0.
    pub detail: ErrorDetail,
    /// The metadata of gRPC's `ErrorInfo`. A newer server may send keys that `detail` does not cover.
    pub metadata: HashMap<String, String>,
    /// The invalid fields of the request.
    pub field_violations: Vec<FieldViolation>,
}

const DOMAIN: &str = "qconfig.dev";
const PREFIX: &str = "ERROR_REASON_";

impl Error {
    /// The gRPC status code, if a call failed.
    pub fn code(&self) -> Option<Code> {
        match self {
            Error::Server(error) => Some(error.code),
            Error::Transport(status) => Some(status.code()),
            Error::Token(_) => Some(Code::FailedPrecondition),
            _ => None,
        }
    }

    /// The server's reason; unspecified if the server sent none.
    pub fn reason(&self) -> ErrorReason {
        self.server().map_or(ErrorReason::Unspecified, |error| error.reason)
    }

    /// The server's error, if the server rejected the call.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Error::Server(error) => Some(error),
            _ => None,
        }
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
            detail: detail(&status),
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

/// Returns the detail of a status, or an empty one.
fn detail(status: &Status) -> ErrorDetail {
    let details = tonic_types::Status::decode(status.details()).unwrap_or_default().details;
    details.iter().find_map(|detail| detail.to_msg().ok()).unwrap_or_default()
}

/// Converts the error of a batch item to the error that a single call would have returned.
impl From<ItemError> for Error {
    fn from(item: ItemError) -> Self {
        Error::Server(Box::new(ServerError {
            code: Code::from_i32(item.code),
            reason: item.reason(),
            message: item.message,
            detail: item.detail.unwrap_or_default(),
            metadata: item.metadata,
            field_violations: item.field_violations,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Name;
    use tonic_types::ErrorDetails;

    /// A status with details in the order in which servers send them.
    fn rejected(reason: &str, domain: &str, detail: Option<ErrorDetail>) -> Error {
        let metadata = HashMap::from([("field".to_owned(), "spec.scheme".to_owned())]);
        let mut details = ErrorDetails::with_error_info(reason, domain, metadata);
        details.add_bad_request_violation("spec.scheme", "no such name");
        let status = Status::with_error_details(Code::NotFound, "no scheme has this name", details);
        let mut status = tonic_types::Status::decode(status.details()).unwrap();
        status.details.extend(detail.map(|detail| prost_types::Any {
            type_url: format!("type.googleapis.com/{}", ErrorDetail::full_name()),
            value: detail.encode_to_vec(),
        }));
        Status::with_details(Code::NotFound, &status.message, status.encode_to_vec().into()).into()
    }

    fn detail_of_scheme() -> ErrorDetail {
        ErrorDetail {
            field: "spec.scheme".to_owned(),
            value: "a".to_owned(),
            allowed: vec!["a, b".to_owned(), "c".to_owned()],
            allowed_total: 12,
            suggestions: vec!["a, b".to_owned()],
            ..Default::default()
        }
    }

    #[test]
    fn has_the_servers_details() {
        let error = rejected("SCHEME_NOT_FOUND", DOMAIN, Some(detail_of_scheme()));
        assert_eq!(error.to_string(), "no scheme has this name (SCHEME_NOT_FOUND)");
        assert_eq!(error.code(), Some(Code::NotFound));
        assert_eq!(error.reason(), ErrorReason::SchemeNotFound);
        let server = error.server().unwrap();
        assert_eq!(server.detail, detail_of_scheme());
        assert_eq!(server.metadata["field"], "spec.scheme");
        assert_eq!(server.field_violations[0].description, "no such name");
    }

    #[test]
    fn a_missing_detail_is_empty() {
        let error = rejected("SCHEME_NOT_FOUND", DOMAIN, None);
        assert_eq!(error.server().unwrap().detail, ErrorDetail::default());
    }

    #[test]
    fn an_unknown_reason_is_unspecified() {
        let error = rejected("TOO_LATE", DOMAIN, Some(detail_of_scheme()));
        assert_eq!(error.reason(), ErrorReason::Unspecified);
        assert_eq!(error.server().unwrap().detail.field, "spec.scheme");
    }

    #[test]
    fn an_error_of_another_domain_is_a_transport_error() {
        for domain in ["example.com", "qconfig"] {
            let error = rejected("SCHEME_NOT_FOUND", domain, None);
            assert!(matches!(error, Error::Transport(_)), "{error:?}");
            assert_eq!(error.reason(), ErrorReason::Unspecified);
        }
    }

    #[test]
    fn a_batch_item_has_the_same_error_as_a_call() {
        let item = ItemError {
            code: 5,
            reason: ErrorReason::SchemeNotFound as i32,
            detail: Some(detail_of_scheme()),
            ..Default::default()
        };
        let error = Error::from(item);
        assert_eq!((error.code(), error.reason()), (Some(Code::NotFound), ErrorReason::SchemeNotFound));
        assert_eq!(error.server().unwrap().detail, detail_of_scheme());
    }
}
