// SPDX-License-Identifier: Apache-2.0
//! A client for qconfig, a server of LLM quantization configurations.
//!
//! [`Client`] has a method for each RPC, [`v1`] has the messages, and [`Error`] is the error of a failed call.

mod builder;
mod client;
mod digest;
mod error;
mod hints;
mod retry;
mod server;
mod servers;
mod token;

pub use builder::Builder;
pub use client::Client;
pub use digest::verify_digest;
pub use error::{Error, ServerError};
pub use retry::RetryPolicy;
pub use tonic::transport::{Certificate, ClientTlsConfig, Identity};
pub use tonic::{Code, Status};

pub use prost_types;

/// The messages of the protos, and the generated stubs.
#[allow(clippy::all, rustdoc::all)]
pub mod v1 {
    include!("generated/qconfig.v1.rs");
}
