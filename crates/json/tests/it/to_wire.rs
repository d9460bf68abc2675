//! What is read, and what is refused with which words.

use drawbridge_json::{ParseOptions, UnknownFields, to_wire};

use crate::contracts::{all, round_trip};

#[test]
fn every_spelling_of_a_value_is_read() {
    let all = all();
    for (json, canonical) in [
        ("{}", "{}"),
        (" { \"int32\" : 1 } ", r#"{"int32":1}"#),
        (
            r#"{"int_32": "1e5", "int64": "-9223372036854775808"}"#,
            r#"{"int32":100000,"int64":"-9223372036854775808"}"#,
        ),
        (r#"{"uint64": 18446744073709551615}"#, r#"{"uint64":"18446744073709551615"}"#),
        (r#"{"int64": 9007199254740993}"#, r#"{"int64":"9007199254740993"}"#),
        (r#"{"int32": 0, "text": "", "flag": false, "color": "NONE"}"#, "{}"),
        (r#"{"maybe": 0}"#, r#"{"maybe":0}"#),
        (r#"{"real32": 0.1, "real64": "NaN"}"#, r#"{"real32":0.1,"real64":"NaN"}"#),
        (r#"{"real64": "-Infinity"}"#, r#"{"real64":"-Infinity"}"#),
        (r#"{"real32": -0.0}"#, r#"{"real32":-0.0}"#),
        (r#"{"data": "_-8"}"#, r#"{"data":"/+8="}"#),
        (r#"{"data": "/+8="}"#, r#"{"data":"/+8="}"#),
        (r#"{"color": "CRIMSON"}"#, r#"{"color":"RED"}"#),
        (r#"{"colors": [1, "RED", 7]}"#, r#"{"colors":["RED","RED",7]}"#),
        (r#"{"child": null, "numbers": null, "byName": null}"#, "{}"),
        (r#"{"first": null, "second": {}}"#, r#"{"second":{}}"#),
        (r#"{"third": null}"#, r#"{"third":null}"#),
        (r#"{"value": null, "null": null}"#, r#"{"value":null}"#),
        (
            r#"{"values": [null, 1, "a", [null], {"b": true}]}"#,
            r#"{"values":[null,1,"a",[null],{"b":true}]}"#,
        ),
        (r#"{"byNumber": {"2": 1, "1": "NONE"}}"#, r#"{"byNumber":{"1":"NONE","2":"RED"}}"#),
        (r#"{"byFlag": {"true": "x"}}"#, r#"{"byFlag":{"true":"x"}}"#),
        (
            r#"{"duration": "-1.5s", "time": "2024-01-01T01:00:00+01:00"}"#,
            r#"{"duration":"-1.500s","time":"2024-01-01T00:00:00Z"}"#,
        ),
        (r#"{"mask": "a.fooBar,b"}"#, r#"{"mask":"a.fooBar,b"}"#),
        (r#"{"wrapped": 0}"#, r#"{"wrapped":"0"}"#),
        (r#"{"other name": "x"}"#, r#"{"other name":"x"}"#),
        (r#"{"renamed": "x"}"#, r#"{"other name":"x"}"#),
        (r#"{"text": "\u00e9\ud834\udd1e\/\n"}"#, r#"{"text":"é𝄞/\n"}"#),
        (r#"{"any": {}}"#, r#"{"any":{}}"#),
        (r#"{"any": {"text": "a", "@type": "x/test.All"}}"#, r#"{"any":{"@type":"x/test.All","text":"a"}}"#),
        (
            r#"{"any": {"value": "1s", "@type": "x/google.protobuf.Duration"}}"#,
            r#"{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#,
        ),
        (
            r#"{"any": {"@type": "x/google.protobuf.Empty", "value": {}}}"#,
            r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#,
        ),
        (
            r#"{"any": {"any": {"value": {"int32": 1, "@type": "x/test.All"}, "@type": "x/google.protobuf.Any"}, "@type": "x/test.All"}}"#,
            r#"{"any":{"@type":"x/test.All","any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/test.All","int32":1}}}}"#,
        ),
        (r#"{"old": {"[old.note]": "n", "part": {"x": 1}}}"#, r#"{"old":{"part":{"x":1},"[old.note]":"n"}}"#),
    ] {
        assert_eq!(round_trip(&all, json).as_deref(), Ok(canonical), "{json}");
    }
}

#[test]
fn an_error_says_where_it_is_and_what_is_expected() {
    let all = all();
    for (json, error) in [
        ("", "expected an object, found the end of the text (line 1, column 1)"),
        ("{", "expected a key in quotes, found the end of the text (line 1, column 2)"),
        ("{} x", "expected the end of the text, found x (line 1, column 4)"),
        ("[]", "expected an object, found an array (line 1, column 1)"),
        (
            "{\n  \"child\": {\"children\": [{}, {\"é\": 1}]}\n}",
            "child.children[1]: `test.All` has no field \"é\" (line 2, column 31)",
        ),
        (
            r#"{"byName": {"a.b": {"int32": "ten"}}}"#,
            "byName[\"a.b\"].int32: expected an integer of 32 bits, found ten (line 1, column 30)",
        ),
        (r#"{"int32": 1.5}"#, "int32: expected an integer of 32 bits, found 1.5 (line 1, column 11)"),
        (r#"{"int32": true}"#, "int32: expected an integer of 32 bits, found true (line 1, column 11)"),
        (
            r#"{"uint64": 1.8446744073709552e19}"#,
            "uint64: expected an unsigned integer of 64 bits, found 1.8446744073709552e19 (line 1, column 12)",
        ),
        (
            r#"{"real32": 3.5e38}"#,
            "real32: expected a number in the range of float, found 3.5e38 (line 1, column 12)",
        ),
        (r#"{"int32": 1, "int_32": 1}"#, "\"int_32\" is there twice (line 1, column 14)"),
        (
            r#"{"first": 1, "second": {}}"#,
            "second: another member of the same oneof is there as well (line 1, column 14)",
        ),
        (r#"{"byNumber": {"1": 0, "1.0": 0}}"#, "byNumber: \"1.0\" is there twice (line 1, column 23)"),
        (r#"{"object": {"a": 1, "a": 2}}"#, "object: the key \"a\" is there twice (line 1, column 21)"),
        (
            r#"{"numbers": [1, null]}"#,
            "numbers[1]: expected an integer of 32 bits, found null (line 1, column 17)",
        ),
        (r#"{"color": "BLUE"}"#, "color: the enumeration has no value \"BLUE\" (line 1, column 11)"),
        (r#"{"any": {"text": "a"}}"#, "any: an `Any` needs \"@type\" (line 1, column 9)"),
        (r#"{"any": {"@type": "x/no.Type"}}"#, "any: the schema has no type `no.Type` (line 1, column 19)"),
        (
            r#"{"any": {"@type": "x/google.protobuf.Duration", "seconds": 1}}"#,
            "any: expected \"value\" for `google.protobuf.Duration`, found \"seconds\" (line 1, column 49)",
        ),
        (
            r#"{"old": {"needs": {"a": 1}}}"#,
            "old.needs: the required field \"c\" is missing (line 1, column 27)",
        ),
    ] {
        assert_eq!(round_trip(&all, json).unwrap_err(), error, "{json}");
    }
}

#[test]
fn what_is_almost_json_or_almost_a_value_is_refused() {
    let all = all();
    for json in [
        "{'int32': 1}",
        "{int32: 1}",
        r#"{"int32": 1,}"#,
        r#"{"numbers": [1,]}"#,
        r#"{"numbers": [1 2]}"#,
        r#"{"int32": 01}"#,
        r#"{"int32": +1}"#,
        r#"{"int32": "+1"}"#,
        r#"{"int32": " 1"}"#,
        r#"{"int32": ""}"#,
        r#"{"int32": 1.}"#,
        r#"{"int32": .5}"#,
        r#"{"int32": 0x1}"#,
        r#"{"int32": 2147483648}"#,
        r#"{"uint32": -1}"#,
        r#"{"real64": "inf"}"#,
        r#"{"real64": "nan"}"#,
        r#"{"real64": NaN}"#,
        r#"{"real64": 1e999}"#,
        r#"{"real64": "1e999"}"#,
        r#"{"flag": "true"}"#,
        r#"{"flag": 1}"#,
        r#"{"text": 1}"#,
        "{\"text\": \"\u{1}\"}",
        r#"{"text": "\ud834"}"#,
        r#"{"text": "\ud834\u0041"}"#,
        r#"{"text": "\udd1e"}"#,
        r#"{"text": "\x41"}"#,
        r#"{"text": "\u12"}"#,
        r#"{"text": "a"#,
        r#"{"data": "*"}"#,
        r#"{"color": 1.5}"#,
        r#"{"color": true}"#,
        r#"{"byFlag": {"1": ""}}"#,
        r#"{"byNumber": {"a": 0}}"#,
        r#"{"byNumber": {"1": null}}"#,
        r#"{"children": [null]}"#,
        r#"{"duration": "1"}"#,
        r#"{"time": "2024-01-01"}"#,
        r#"{"mask": "a_b"}"#,
        r#"{"value": NaN}"#,
        r#"{"value": 1e999}"#,
        r#"{"null": 1}"#,
        r#"{"any": {"@type": "test.All"}}"#,
        r#"{"any": {"@type": 1}}"#,
        r#"{"any": {"@type": "x/test.All", "@type": "x/test.All"}}"#,
        r#"{"any": {"@type": "x/google.protobuf.Duration"}}"#,
        "\u{feff}{}",
    ] {
        assert!(round_trip(&all, json).is_err(), "{json}");
    }
    assert!(to_wire(&all, b"{\"text\": \"\xff\"}", ParseOptions::default()).is_err());
}

#[test]
fn a_lenient_reader_skips_what_it_does_not_know() {
    let all = all();
    let options = ParseOptions { unknown_fields: UnknownFields::Ignore, ..ParseOptions::default() };
    let json = br#"{"new": {"a": [1, {"b": null}]}, "color": "BLUE", "colors": ["BLUE", "RED"],
        "byNumber": {"1": "BLUE", "2": "RED"}, "any": {"@type": "x/google.protobuf.Duration", "new": 1, "value": "1s"}}"#;
    let wire = to_wire(&all, json, options).unwrap();
    let expected = r#"{"colors":["RED"],"byNumber":{"2":"RED"},"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#;
    assert_eq!(crate::contracts::print(&all, &wire).unwrap(), expected);
    for broken in [r#"{"new": [1,]}"#, r#"{"new": }"#, r#"{"new": tru}"#, r#"{"new": "\q"}"#] {
        assert!(to_wire(&all, broken.as_bytes(), options).is_err(), "{broken}");
    }
}

#[test]
fn what_a_newer_schema_may_have_is_told_from_what_is_wrong() {
    let all = all();
    for (json, is_unknown) in [
        (r#"{"new": 1}"#, true),
        (r#"{"color": "BLUE"}"#, true),
        (r#"{"any": {"@type": "x/new.Type"}}"#, true),
        (r#"{"int32": "a"}"#, false),
        ("{", false),
    ] {
        let error = to_wire(&all, json.as_bytes(), ParseOptions::default()).unwrap_err();
        assert_eq!(error.is_unknown(), is_unknown, "{json}");
    }
}

#[test]
fn a_reader_of_untyped_values_takes_booleans_as_text_and_a_list_of_one() {
    let all = all();
    let untyped = ParseOptions { untyped: true, ..ParseOptions::default() };
    let json = br#"{"flag": "true", "numbers": "7", "colors": ["RED", "NONE"], "child": {"text": "true", "flag": "false"}}"#;
    let wire = to_wire(&all, json, untyped).unwrap();
    let printed = crate::contracts::print(&all, &wire).unwrap();
    assert!(printed.contains(r#""flag":true"#) && printed.contains(r#""numbers":[7]"#), "{printed}");
    assert!(printed.contains(r#""colors":["RED","NONE"]"#), "{printed}");
    assert!(printed.contains(r#""child":{"text":"true"}"#), "{printed}");
    assert!(to_wire(&all, json, ParseOptions::default()).is_err());
    assert!(to_wire(&all, br#"{"flag": "yes"}"#, untyped).is_err());
}
