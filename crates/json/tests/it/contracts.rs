//! The contracts of the tests.

use drawbridge_json::{Message, ParseOptions, PrintOptions, Schema, from_wire, to_wire};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

const TEST: &str = r#"
syntax = "proto3";
package test;

import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "annotations.proto";
import "proto2.proto";

enum Color { NONE = 0; RED = 1; CRIMSON = 1; option allow_alias = true; }

message All {
  int32 int_32 = 1;
  int64 int_64 = 2;
  uint32 uint_32 = 3;
  uint64 uint_64 = 4;
  sint64 sint_64 = 5;
  fixed32 fixed_32 = 6;
  float real_32 = 7;
  double real_64 = 8;
  bool flag = 9;
  string text = 10;
  bytes data = 11;
  Color color = 12;
  All child = 13;
  repeated int32 numbers = 14;
  repeated All children = 15;
  repeated Color colors = 16;
  map<string, All> by_name = 17;
  map<int32, Color> by_number = 18;
  map<bool, string> by_flag = 19;
  optional int32 maybe = 20;
  oneof choice {
    int32 first = 21;
    All second = 22;
    google.protobuf.NullValue third = 23;
  }
  repeated string texts = 24;
  google.protobuf.Any any = 30;
  google.protobuf.Duration duration = 31;
  google.protobuf.FieldMask mask = 32;
  google.protobuf.Struct object = 33;
  google.protobuf.Value value = 34;
  google.protobuf.ListValue list = 35;
  google.protobuf.Timestamp time = 36;
  google.protobuf.Int64Value wrapped = 37;
  google.protobuf.Empty empty = 38;
  old.Old old = 39;
  google.protobuf.NullValue null = 40;
  repeated google.protobuf.Value values = 41;
  string renamed = 42 [json_name = "other name"];
}

service Tests {
  rpc Get(All) returns (All) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {
      get: "/v1/{text=shelves/*}/{child.int_32}"
      response_body: "child"
      additional_bindings { post: "/v1/all" body: "*" }
      additional_bindings { custom { kind: "HEAD" path: "/v1/**:verb" } body: "child" }
    };
  }
  rpc Watch(google.protobuf.Empty) returns (stream All) { option deprecated = true; }
}
"#;

/// The parts of `google/api/annotations.proto` and `http.proto` that the tests use.
const ANNOTATIONS: &str = r#"
syntax = "proto3";
package google.api;

import "google/protobuf/descriptor.proto";

extend google.protobuf.MethodOptions { HttpRule http = 72295728; }

message HttpRule {
  oneof pattern {
    string get = 2;
    string post = 4;
    CustomHttpPattern custom = 8;
  }
  string body = 7;
  string response_body = 12;
  repeated HttpRule additional_bindings = 11;
}

message CustomHttpPattern { string kind = 1; string path = 2; }
"#;

const PROTO2: &str = r#"
syntax = "proto2";
package old;

enum Closed { A = 1; B = 2; }

message Old {
  optional Closed closed = 1;
  repeated Closed many = 2;
  optional group Part = 3 { optional int32 x = 1; }
  repeated int32 unpacked = 4;
  repeated int32 packed = 5 [packed = true];
  map<string, Closed> closed_by_name = 6;
  optional int32 number = 7 [default = 5];
  optional Needs needs = 8;
  extensions 100 to max;
}

message Needs { required int32 a = 1; optional int32 b = 2; required int32 c = 3; }

extend Old { optional string note = 100; }
"#;

struct Files;

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            "test.proto" => File::from_source(name, TEST),
            "annotations.proto" => File::from_source(name, ANNOTATIONS),
            "proto2.proto" => File::from_source(name, PROTO2),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// Returns the descriptors of the contracts.
pub(crate) fn set() -> Vec<u8> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Files);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file("test.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

/// Returns the message `test.All`.
pub(crate) fn all() -> Message {
    Schema::from_sets([set()]).unwrap().message("test.All").unwrap()
}

/// Returns what JSON becomes after protobuf.
pub(crate) fn round_trip(message: &Message, json: &str) -> Result<String, String> {
    let wire =
        to_wire(message, json.as_bytes(), ParseOptions::default()).map_err(|error| error.to_string())?;
    print(message, &wire)
}

/// Returns the JSON of a message.
pub(crate) fn print(message: &Message, wire: &[u8]) -> Result<String, String> {
    let json = from_wire(message, wire, PrintOptions::default()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(json.into()).unwrap())
}
