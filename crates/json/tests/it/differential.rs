//! The same messages, read and written by another implementation, `buffa-descriptor`.

use std::sync::Arc;

use buffa_descriptor::DescriptorPool;
use buffa_descriptor::reflect::DynamicMessage;
use drawbridge_json::{ParseOptions, to_wire};

use crate::contracts::{all, print, round_trip, set};
use crate::damage::{Numbers, SEEDS, damage_json, damage_wire};

fn pool() -> Arc<DescriptorPool> {
    Arc::new(DescriptorPool::decode(&set()).unwrap())
}

/// What `buffa-descriptor` refuses and this crate reads: paths of a `FieldMask` that are no names, and varints of more than 64 bits, of which
/// protobuf's own parsers drop the rest, and entries of maps with a field of another wire type, which is an unknown field. It cannot print an `Any` of an unknown type.
const ONLY_OURS: [&str; 4] = ["FieldMask", "varint exceeded", "wire type mismatch", "Any type_url"];

/// What it accepts and this crate refuses: base64 with too many digits or of two alphabets, a duration without digits behind its point, keys that are there
/// twice, of which the last counts, and the end of a group that has not begun.
const ONLY_THEIRS: [&str; 6] = [
    "expected bytes in base64",
    "expected a duration",
    "is there twice",
    "the schema has no type",
    "expected a URL",
    "a group has no end",
];

fn is_known(known: &[&str], error: &str) -> bool {
    known.iter().any(|part| error.contains(part))
}

#[test]
fn json_is_read_as_another_implementation_reads_it() {
    let (all, pool) = (all(), pool());
    let index = pool.message_index("test.All").unwrap();
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let mut same = 0;
    for round in 0..20_000 {
        let json = damage_json(&mut numbers, SEEDS[round % SEEDS.len()]);
        let Ok(text) = std::str::from_utf8(&json) else { continue };
        let ours = to_wire(&all, &json, ParseOptions::default());
        let theirs = DynamicMessage::from_json(Arc::clone(&pool), index, text);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(print(&all, &ours), print(&all, &theirs.encode_to_vec()), "{text}");
                same += 1;
            }
            (Ok(_), Err(error)) => assert!(is_known(&ONLY_OURS, &error.to_string()), "{error}: {text}"),
            (Err(error), Ok(_)) => assert!(is_known(&ONLY_THEIRS, &error.to_string()), "{error}: {text}"),
            (Err(_), Err(_)) => {}
        }
    }
    assert!(same > 200, "{same}");
}

#[test]
fn protobuf_is_printed_as_another_implementation_prints_it() {
    let (all, pool) = (all(), pool());
    let index = pool.message_index("test.All").unwrap();
    let seeds = SEEDS.map(|json| to_wire(&all, json.as_bytes(), ParseOptions::default()).unwrap());
    let mut numbers = Numbers(0x0fed_cba9_8765_4321);
    let (mut same, mut other) = (0, 0);
    for round in 0..20_000 {
        let wire = damage_wire(&mut numbers, &seeds[round % seeds.len()]);
        let ours = print(&all, &wire);
        let decoded =
            DynamicMessage::decode(Arc::clone(&pool), index, &wire).map_err(|error| error.to_string());
        let theirs = decoded.and_then(|message| message.to_json().map_err(|error| error.to_string()));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                // By way of the same printer: digits and order may differ.
                let is_same = Ok(ours) == round_trip(&all, &theirs);
                // It reads the entries of a `Struct` whatever their wire type is.
                assert!(is_same || theirs.contains("\"object\""), "{wire:?}: {theirs}");
                *(if is_same { &mut same } else { &mut other }) += 1;
            }
            (Ok(ours), Err(error)) => assert!(is_known(&ONLY_OURS, &error), "{error}: {ours}"),
            (Err(error), Ok(theirs)) => assert!(is_known(&ONLY_THEIRS, &error), "{error}: {theirs}"),
            (Err(_), Err(_)) => {}
        }
    }
    assert!(same > 1000 && other < 5, "{same}, {other}");
}
