//! The description of what can be called.

use drawbridge_json::{Schema, openapi};
use serde_json::{Value, json};

use crate::contracts::set;

#[test]
fn unary_methods_and_their_messages_are_described() {
    let schema = Schema::from_sets([set()]).unwrap();
    let text = openapi(&schema, "Tests \"of\" JSON", "1.0");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"], json!({"title": "Tests \"of\" JSON", "version": "1.0"}));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/test.Tests/Get"]);
    let get = &document["paths"]["/test.Tests/Get"]["post"];
    assert_eq!(get["operationId"], "test.Tests.Get");
    let all = json!({"$ref": "#/components/schemas/test.All"});
    assert_eq!(get["requestBody"]["content"]["application/json"]["schema"], all);
    assert_eq!(get["responses"]["200"]["content"]["application/json"]["schema"], all);

    let schemas = &document["components"]["schemas"];
    let names: Vec<_> = schemas.as_object().unwrap().keys().collect();
    let expected = [
        "connect.Error",
        "google.protobuf.Empty",
        "old.Closed",
        "old.Needs",
        "old.Old",
        "old.Old.Part",
        "test.All",
        "test.Color",
    ];
    assert_eq!(names, expected);
    let fields = &schemas["test.All"]["properties"];
    for (name, schema) in [
        ("int64", json!({"type": "string", "format": "int64"})),
        ("child", all.clone()),
        ("children", json!({"type": "array", "items": all})),
        ("byName", json!({"type": "object", "additionalProperties": all})),
        ("color", json!({"$ref": "#/components/schemas/test.Color"})),
        ("time", json!({"type": "string", "format": "date-time"})),
        ("wrapped", json!({"oneOf": [{"type": "string", "format": "int64"}, {"type": "null"}]})),
        ("other name", json!({"type": "string"})),
    ] {
        assert_eq!(fields[name], schema, "{name}");
    }
    assert_eq!(schemas["test.Color"], json!({"type": "string", "enum": ["NONE", "RED"]}));
    assert_eq!(schemas["old.Needs"]["required"], json!(["a", "c"]));
}

#[test]
fn a_schema_without_methods_is_described() {
    let schema = Schema::from_files::<Vec<u8>>([]).unwrap();
    let document: Value = serde_json::from_str(&openapi(&schema, "", "")).unwrap();
    assert_eq!(document["paths"], json!({}));
}
