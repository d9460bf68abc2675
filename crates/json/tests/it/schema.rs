//! Schemas: methods, missing files, bytes that are no descriptors.

use drawbridge_json::{Idempotency, MethodError, Schema};

use crate::contracts::{print, round_trip, set};

/// Splits a `FileDescriptorSet` into its files.
fn files() -> Vec<Vec<u8>> {
    let set: Vec<u8> = set();
    let mut files = Vec::new();
    let mut at = 0;
    while at < set.len() {
        assert_eq!(set[at], 0x0a);
        at += 1;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = set[at];
            at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        files.push(set[at..at + length].to_vec());
        at += length;
    }
    files
}

#[test]
fn methods_are_found_by_their_path() {
    let schema = Schema::from_sets([set()]).unwrap();
    let get = schema.method("/test.Tests/Get").unwrap();
    assert_eq!((get.input.full_name(), get.output.full_name()), ("test.All", "test.All"));
    assert!(!get.client_streaming && !get.server_streaming && !get.deprecated);
    assert_eq!(get.idempotency, Idempotency::NoSideEffects);
    let watch = schema.method("/test.Tests/Watch").unwrap();
    assert!(watch.server_streaming && watch.deprecated && !watch.client_streaming);
    assert_eq!(watch.input.full_name(), "google.protobuf.Empty");
    for path in ["/test.Tests/get", "/test.Tests/", "test.Tests/Get", ""] {
        assert_eq!(schema.method(path).unwrap_err(), MethodError::Unknown, "{path}");
    }
    assert_eq!(schema.methods().count(), 2);
}

#[test]
fn a_missing_file_is_an_error_where_it_is_needed() {
    let without = |name: &str| {
        let is_other = |file: &Vec<u8>| {
            !file.windows(name.len()).take(name.len() + 8).any(|part| part == name.as_bytes())
        };
        Schema::from_files(files().into_iter().filter(is_other)).unwrap()
    };
    let all = without("proto2.proto").message("test.All").unwrap();
    assert_eq!(round_trip(&all, r#"{"int32":1}"#).as_deref(), Ok(r#"{"int32":1}"#));
    let error = round_trip(&all, r#"{"old":{}}"#).unwrap_err();
    assert_eq!(error, "old: the schema does not have the type of this field (line 1, column 8)");
    assert_eq!(
        print(&all, b"\xba\x02\x00").unwrap_err(),
        "old: the schema does not have the type of this field"
    );
    // The translation knows well-known types by itself.
    let all = without("google/protobuf/duration.proto").message("test.All").unwrap();
    assert_eq!(round_trip(&all, r#"{"duration":"1s"}"#).as_deref(), Ok(r#"{"duration":"1s"}"#));
    let error = without("test.proto").method("/test.Tests/Get").unwrap_err();
    assert_eq!(error, MethodError::Unknown);
}

#[test]
fn descriptors_that_make_no_sense_do_no_harm() {
    assert!(Schema::from_sets([b"\xff"]).is_err());
    assert!(Schema::from_sets([b"\x0a\x01\xff"]).is_err());
    let is_test = |file: &Vec<u8>| file.starts_with(b"\x0a\x0atest.proto");
    let original = files().into_iter().find(is_test).unwrap();
    let json =
        r#"{"int32":1,"text":"a","children":[{}],"byNumber":{"1":"RED"},"first":1,"object":{"a":[1]}}"#;
    for at in 0..original.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = original.clone();
            damaged[at] = value;
            let Ok(schema) = Schema::from_files([damaged]) else { continue };
            for method in schema.methods() {
                let _ = round_trip(&method.input, json);
                let _ = print(
                    &method.output,
                    b"\x08\x01\x52\x01a\x7a\x00\x92\x01\x04\x08\x01\x10\x01\x72\x02\x01\x02",
                );
            }
        }
    }
}
