//! What is written for bytes that no library of today would send, but may.

use drawbridge_json::{PrintOptions, from_wire};

use crate::contracts::{all, print};

#[test]
fn the_last_value_counts_and_messages_are_merged() {
    let all = all();
    for (wire, json) in [
        (&b"\x08\x01\x08\x02"[..], r#"{"int32":2}"#),
        // Two children, of which one has a number and the other a text.
        (b"\x6a\x02\x08\x01\x6a\x03\x52\x01a", r#"{"child":{"int32":1,"text":"a"}}"#),
        // A list: packed, single, packed again.
        (b"\x72\x02\x01\x02\x70\x03\x72\x01\x04\x72\x00", r#"{"numbers":[1,2,3,4]}"#),
        (b"\x72\x00", "{}"),
        // The later member of a oneof; the message begins again after another member.
        (b"\xa8\x01\x05\xb2\x01\x00", r#"{"second":{}}"#),
        (b"\xb2\x01\x02\x08\x01\xa8\x01\x05\xb2\x01\x03\x52\x01a", r#"{"second":{"text":"a"}}"#),
        (b"\xb2\x01\x02\x08\x01\xb2\x01\x03\x52\x01a", r#"{"second":{"int32":1,"text":"a"}}"#),
        // Entries of maps: no key, no value, the same key twice.
        (b"\x8a\x01\x00", r#"{"byName":{"":{}}}"#),
        (b"\x92\x01\x02\x08\x05\x92\x01\x04\x08\x05\x10\x01", r#"{"byNumber":{"5":"RED"}}"#),
        // An unknown field, a known one with another wire type, an unknown group.
        (b"\xf8\x7f\x01\x0d\0\0\0\0\xfb\x7f\x08\x01\xfc\x7f\x08\x07", r#"{"int32":7}"#),
        // Fields in another order than their numbers.
        (b"\x52\x01a\x08\x01", r#"{"int32":1,"text":"a"}"#),
        // A closed enumeration: an unknown value is an unknown field. An open one: a number.
        (b"\xba\x02\x02\x08\x07", r#"{"old":{}}"#),
        (b"\xba\x02\x06\x10\x01\x10\x07\x10\x02", r#"{"old":{"many":["A","B"]}}"#),
        (b"\xba\x02\x02\x10\x07", r#"{"old":{}}"#),
        (b"\xba\x02\x07\x32\x05\x0a\x01a\x10\x07", r#"{"old":{}}"#),
        (b"\x60\x07", r#"{"color":7}"#),
        // A `Value` that has none of its fields.
        (b"\x92\x02\x00", r#"{"value":null}"#),
        // An `Any` of a type that is not known.
        (b"\xf2\x01\x09\x0a\x04x/no\x12\x01a", r#"{"any":{"@type":"x/no","@value":"YQ=="}}"#),
    ] {
        assert_eq!(print(&all, wire).as_deref(), Ok(json), "{wire:?}");
    }
}

#[test]
fn what_has_no_json_is_an_error_with_its_place() {
    let all = all();
    for (wire, error) in [
        (&b"\x52\x01\xff"[..], "text: the string is not UTF-8"),
        (b"\x6a\x03\x52\x01\xff", "child.text: the string is not UTF-8"),
        (b"\x8a\x01\x08\x0a\x01a\x12\x03\x52\x01\xff", "byName[\"a\"].text: the string is not UTF-8"),
        (b"\x08", "the message ends within a field"),
        (b"\x52\x05a", "the message ends within a field"),
        (b"\x0b\x08\x01", "the message ends within a field"),
        (b"\x0c", "a group has no end, or an end and no start"),
        (b"\x00", "a tag is malformed"),
        (
            b"\xa2\x02\x07\x08\x80\x83\xd1\xff\xaf\x07",
            "time: the timestamp is not between the years 1 and 9999",
        ),
        (b"\x82\x02\x05\x0a\x03a__", "mask: the path `a__` has no camel case that leads back to it"),
        (b"\xba\x02\x04\x42\x02\x08\x01", "old.needs: the required field \"c\" is missing"),
        (b"\xba\x02\x04\x42\x02\x18\x01", "old.needs: the required field \"a\" is missing"),
    ] {
        assert_eq!(print(&all, wire).unwrap_err(), error, "{wire:?}");
    }
}

#[test]
fn defaults_are_written_on_demand() {
    let options = PrintOptions { emit_defaults: true, ..PrintOptions::default() };
    let json = from_wire(&all(), b"\x10\x05", options).unwrap();
    let json = std::str::from_utf8(&json).unwrap();
    assert!(json.starts_with(r#"{"int32":0,"int64":"5","uint32":0,"uint64":"0","#), "{json}");
    for part in [r#""flag":false"#, r#""color":"NONE""#, r#""numbers":[]"#, r#""byName":{}"#, r#""data":"""#]
    {
        assert!(json.contains(part), "{json}");
    }
    for part in ["child\"", "maybe", "first", "wrapped"] {
        assert!(!json.contains(part), "{json}");
    }
}
