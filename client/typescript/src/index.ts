// SPDX-License-Identifier: Apache-2.0
export { status } from "@grpc/grpc-js";
export { Client, type CallOptions } from "./client.js";
export { type ClientOptions, type Pem, type TlsOptions } from "./options.js";
export { verifyDigest } from "./digest.js";
export { QConfigError, type Reason } from "./error.js";
export { SERVICE_CONFIG } from "./generated/service_config.js";
export * from "./generated/qconfig/v1/algorithm_pb.js";
export * from "./generated/qconfig/v1/annotations_pb.js";
export * from "./generated/qconfig/v1/config_service_pb.js";
export * from "./generated/qconfig/v1/config_spec_pb.js";
export * from "./generated/qconfig/v1/error_pb.js";
export * from "./generated/qconfig/v1/plan_pb.js";
export * from "./generated/qconfig/v1/quantization_pb.js";
export * from "./generated/qconfig/v1/registry_pb.js";
export * from "./generated/qconfig/v1/registry_service_pb.js";
