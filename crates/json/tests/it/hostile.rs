//! Input that is made to do harm.

use drawbridge_json::{ParseOptions, PrintOptions, UnknownFields, from_wire, to_wire};

use crate::contracts::{all, print, round_trip};
use crate::damage::{Numbers, PARTS, SEEDS, damage_json, damage_wire};

/// Puts `inner` between `count` copies of `before` and of `after`.
fn nested(count: usize, before: &str, inner: &str, after: &str) -> String {
    format!("{}{inner}{}", before.repeat(count), after.repeat(count))
}

#[test]
fn json_is_at_most_100_deep_in_any_form() {
    let all = all();
    let any = r#"{"@type":"x/google.protobuf.Any","value":"#;
    let last_any = r#"{"value":"#;
    let typed = r#","@type":"x/google.protobuf.Any"}"#;
    for (form, deepest) in [
        ((r#"{"child":"#, "{}", "}"), 99),
        ((r#"{"children":["#, "{}", "]}"), 99),
        ((r#"{"byName":{"a":"#, "{}", "}}"), 99),
        ((r#"{"any":{"@type":"x/test.All","child":"#, "{}", "}}"), 33),
    ] {
        let (before, inner, after) = form;
        assert!(round_trip(&all, &nested(deepest, before, inner, after)).is_ok(), "{before}");
        let error = round_trip(&all, &nested(deepest + 1, before, inner, after)).unwrap_err();
        assert!(error.contains("nested more than 100 deep"), "{error}");
    }
    for (before, inner, after, outer) in [
        ("[", "1", "]", r#"{"value":"#),
        (r#"{"a":"#, "1", "}", r#"{"object":"#),
        (any, "{}", "}", r#"{"any":"#),
        (last_any, "{}", typed, r#"{"any":"#),
    ] {
        let json = |depth| format!("{outer}{}}}", nested(depth, before, inner, after));
        let deepest = if inner == "{}" { 98 } else { 99 };
        assert!(round_trip(&all, &json(deepest)).is_ok(), "{before}");
        for depth in [100, 1000, 200_000] {
            let error = round_trip(&all, &json(depth)).unwrap_err();
            assert!(error.contains("nested more than 100 deep"), "{error}");
        }
    }
    let lenient = ParseOptions { unknown_fields: UnknownFields::Ignore, ..ParseOptions::default() };
    for depth in [1000, 1_000_000] {
        let json = format!(r#"{{"new":{}}}"#, nested(depth, "[", "1", "]"));
        assert!(to_wire(&all, json.as_bytes(), lenient).is_err());
    }
}

/// Puts a message into field `number` of another, `count` times.
fn wrap(mut wire: Vec<u8>, number: u32, count: usize) -> Vec<u8> {
    for _ in 0..count {
        let mut outer = Vec::new();
        varint(&mut outer, u64::from(number << 3 | 2));
        varint(&mut outer, wire.len() as u64);
        outer.extend_from_slice(&wire);
        wire = outer;
    }
    wire
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[test]
fn protobuf_is_at_most_100_deep_in_any_form() {
    let all = all();
    assert!(print(&all, &wrap(Vec::new(), 13, 99)).is_ok());
    assert_eq!(
        print(&all, &wrap(Vec::new(), 13, 100)).unwrap_err().rsplit(": ").next(),
        Some("nested more than 100 deep")
    );
    assert!(print(&all, &wrap(Vec::new(), 13, 5000)).is_err());

    // Lists in lists: a `Value` with field 6, which is a `ListValue` with field 1.
    let lists = |depth| {
        let mut wire = b"\x20\x01".to_vec();
        for _ in 0..depth {
            wire = wrap(wrap(wire, 1, 1), 6, 1);
        }
        wrap(wire, 34, 1)
    };
    assert!(print(&all, &lists(99)).is_ok());
    assert!(print(&all, &lists(100)).unwrap_err().contains("nested more than 100 deep"));
    assert!(print(&all, &lists(3000)).unwrap_err().contains("nested more than 100 deep"));

    let anys = |depth| {
        let mut wire = Vec::new();
        for _ in 0..depth {
            let mut outer = wrap(b"x/google.protobuf.Any".to_vec(), 1, 1);
            outer.extend(wrap(wire, 2, 1));
            wire = outer;
        }
        wrap(wire, 30, 1)
    };
    assert!(print(&all, &anys(98)).is_ok());
    assert!(print(&all, &anys(100)).unwrap_err().contains("nested more than 100 deep"));
    assert!(print(&all, &anys(3000)).unwrap_err().contains("nested more than 100 deep"));
}

#[test]
fn sizes_are_limited_in_both_directions() {
    let all = all();
    let small = ParseOptions { max_bytes: 100, ..ParseOptions::default() };
    let json = format!(r#"{{"texts":[{}"a"]}}"#, r#""a","#.repeat(1000));
    let error = to_wire(&all, json.as_bytes(), small).unwrap_err();
    assert!(error.is_too_large());
    assert_eq!(error.reason(), "the message is larger than 100 bytes");

    // A byte on the wire is 16 in the text: it stops when the limit is reached.
    let wire = [&b"\x82\x01\xe8\x07"[..], &[1; 1000]].concat();
    let options = PrintOptions { max_bytes: 100, ..PrintOptions::default() };
    let error = from_wire(&all, &wire, options).unwrap_err();
    assert!(error.is_too_large());
    assert_eq!(error.path(), "colors[16]");
}

#[test]
fn damaged_json_is_refused_or_stays_the_same_after_a_round_trip() {
    let all = all();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for round in 0..20_000 {
        let json = damage_json(&mut numbers, SEEDS[round % SEEDS.len()]);
        for unknown_fields in [UnknownFields::Refuse, UnknownFields::Ignore] {
            let options = ParseOptions { unknown_fields, ..ParseOptions::default() };
            if let Ok(wire) = to_wire(&all, &json, options) {
                accepted += 1;
                let printed = print(&all, &wire).unwrap_or_else(|error| panic!("{error}: {json:?}"));
                assert_eq!(round_trip(&all, &printed).as_deref(), Ok(&*printed), "{json:?}");
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn damaged_protobuf_is_refused_or_printed_as_json_that_is_read() {
    let all = all();
    let seeds = SEEDS.map(|json| to_wire(&all, json.as_bytes(), ParseOptions::default()).unwrap());
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut accepted = 0;
    for round in 0..20_000 {
        let wire = damage_wire(&mut numbers, &seeds[round % seeds.len()]);
        if let Ok(json) = print(&all, &wire) {
            accepted += 1;
            // JSON of an `Any` whose type is not known is for people.
            if !json.contains("\"@value\"") {
                assert_eq!(round_trip(&all, &json).as_deref(), Ok(&*json), "{wire:?}");
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn fuzz_json_that_is_accepted_stays_the_same() {
    let all = all();
    // Mostly bytes that mean something to a reader of JSON: parts of the seeds and of their punctuation.
    let words: Vec<&str> = PARTS
        .into_iter()
        .chain(SEEDS.iter().flat_map(|seed| seed.split_inclusive(['{', '[', ',', ':'])))
        .collect();
    let check = bolero::check!().with_type::<(u8, Vec<(u8, u8, u8)>)>();
    check.with_iterations(20_000).for_each(|(seed, edits)| {
        let mut json = SEEDS[usize::from(*seed) % SEEDS.len()].as_bytes().to_vec();
        for (at, word, kind) in edits {
            let at = usize::from(*at) % (json.len() + 1);
            let word = words[usize::from(*word) % words.len()].as_bytes();
            let until = if kind % 3 == 0 { (at + word.len()).min(json.len()) } else { at };
            json.splice(at..until, word.iter().copied());
        }
        if let Ok(wire) = to_wire(&all, &json, ParseOptions::default()) {
            let printed = print(&all, &wire).unwrap();
            assert_eq!(round_trip(&all, &printed), Ok(printed));
        }
    });
}

#[test]
fn fuzz_any_bytes_are_no_harm_in_either_direction() {
    let all = all();
    bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|bytes| {
        let _ = to_wire(&all, bytes, ParseOptions::default());
        if let Ok(json) = print(&all, bytes) {
            assert!(json.contains("\"@value\"") || round_trip(&all, &json).is_ok(), "{json}");
        }
    });
}

#[test]
fn fuzz_any_bytes_are_no_harm_as_descriptors() {
    bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|bytes| {
        if let Ok(schema) = drawbridge_json::Schema::from_files([bytes]) {
            assert_eq!(schema.methods().count(), schema.methods().count());
        }
    });
}
