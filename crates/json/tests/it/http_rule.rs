//! Calls over plain HTTP: bindings of methods, and fields from text.

use drawbridge_json::http_rule::{HttpBody, HttpRoutes, HttpRule};
use drawbridge_json::{ParseOptions, Schema, text_to_wire, to_wire};

use crate::contracts::{all, print, set};

#[test]
fn a_request_becomes_a_message_of_path_query_and_body() {
    let schema = Schema::from_sets([set()]).unwrap();
    let method = schema.method("/test.Tests/Get").unwrap();
    let rules = HttpRule::of(&method).unwrap();
    let methods: Vec<_> = rules.iter().map(|rule| &*rule.method).collect();
    assert_eq!(methods, ["GET", "POST", "HEAD"]);
    assert_eq!((&rules[0].body, rules[0].response_body.as_deref()), (&HttpBody::None, Some("child")));
    assert_eq!(rules[1].body, HttpBody::All);
    assert_eq!(rules[2].body, HttpBody::Field("child".into()));
    assert_eq!(HttpRule::of(&schema.method("/test.Tests/Watch").unwrap()), Ok(Vec::new()));

    let mut routes = HttpRoutes::new();
    for rule in rules {
        routes.add(&rule.method.clone(), rule.template.clone(), rule).unwrap();
    }
    let found = routes.find("GET", "/v1/shelves/a%20b/7").unwrap();
    let body = br#"{"child": {"text": "kept", "int32": 1}, "numbers": [1]}"#;
    let mut wire = to_wire(&method.input, body, ParseOptions::default()).unwrap().to_vec();
    for (field, text) in &found.fields {
        text_to_wire(&method.input, field, text, &mut wire).unwrap();
    }
    // The query.
    text_to_wire(&method.input, "numbers", "2", &mut wire).unwrap();
    let expected = r#"{"text":"shelves/a b","child":{"int32":7,"text":"kept"},"numbers":[1,2]}"#;
    assert_eq!(print(&method.input, &wire).as_deref(), Ok(expected));
}

#[test]
fn a_field_is_read_from_text() {
    let all = all();
    for (path, text, json) in [
        ("int32", "-5", r#"{"int32":-5}"#),
        ("uint_64", "18446744073709551615", r#"{"uint64":"18446744073709551615"}"#),
        ("real64", "NaN", r#"{"real64":"NaN"}"#),
        ("flag", "true", r#"{"flag":true}"#),
        ("text", "a \"b\"\n", r#"{"text":"a \"b\"\n"}"#),
        ("data", "_-8", r#"{"data":"/+8="}"#),
        ("color", "RED", r#"{"color":"RED"}"#),
        ("color", "1", r#"{"color":"RED"}"#),
        ("child.child.int32", "1", r#"{"child":{"child":{"int32":1}}}"#),
        ("old.part.x", "3", r#"{"old":{"part":{"x":3}}}"#),
        ("duration", "1.5s", r#"{"duration":"1.500s"}"#),
        ("mask", "a,bC", r#"{"mask":"a,bC"}"#),
        ("wrapped", "7", r#"{"wrapped":"7"}"#),
        ("texts", "", r#"{"texts":[""]}"#),
        ("maybe", "0", r#"{"maybe":0}"#),
    ] {
        let mut wire = Vec::new();
        text_to_wire(&all, path, text, &mut wire).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(print(&all, &wire).as_deref(), Ok(json), "{path}");
    }
    for (path, text, error) in [
        ("nothing", "1", "nothing: `test.All` has no field \"nothing\" (line 1, column 1)"),
        ("child.nothing", "1", "child.nothing: `test.All` has no field \"nothing\" (line 1, column 1)"),
        ("int32.x", "1", "int32.x: \"int32\" is not a message: it has no fields (line 1, column 1)"),
        ("child", "1", "child: `test.All` has no text: name one of its fields (line 1, column 1)"),
        ("byName", "1", "byName: a map has no text (line 1, column 1)"),
        ("int32", "ten", "int32: expected an integer of 32 bits, found ten (line 1, column 1)"),
        ("flag", "true, false", "flag: expected the end of the text, found , (line 1, column 1)"),
        (
            "duration.seconds",
            "1",
            "duration.seconds: `google.protobuf.Duration` has no field \"seconds\" (line 1, column 1)",
        ),
    ] {
        let mut wire = b"kept".to_vec();
        let found = text_to_wire(&all, path, text, &mut wire).map_err(|error| error.to_string());
        assert_eq!(found, Err(error.to_owned()));
        assert_eq!(wire, b"kept");
    }
    let deep = vec!["child"; 200].join(".") + ".int32";
    assert!(text_to_wire(&all, &deep, "1", &mut Vec::new()).is_err());
}
