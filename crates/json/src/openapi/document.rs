//! The document.

use super::schemas::{Schemas, reference};
use super::writer::Writer;
use crate::schema::{Idempotency, Message, Method, Schema};

/// The error of a call: that of Connect.
const ERROR: &str = r#"{"type":"object","properties":{"code":{"type":"string"},"message":{"type":"string"},"details":{"type":"array","items":{"type":"object","properties":{"type":{"type":"string"},"value":{"type":"string","contentEncoding":"base64"}},"required":["type","value"]}}},"required":["code"]}"#;

/// The name of its schema. No message has a name with this prefix and a capital first.
const ERROR_NAME: &str = "connect.Error";

/// Describes the unary methods of a schema as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document: a `POST` of JSON to
/// `/package.Service/Method`, the response, and the error. Methods that stream are left out.
///
/// `title` and `version` are those of the API.
pub fn openapi(schema: &Schema, title: &str, version: &str) -> String {
    let methods: Vec<_> =
        schema.methods().filter(|method| !method.client_streaming && !method.server_streaming).collect();
    let mut schemas = Schemas::default();
    let mut writer = Writer::default();
    writer.object(|writer| {
        writer.key("openapi").string("3.1.0");
        writer.key("info").object(|writer| {
            writer.key("title").string(title);
            writer.key("version").string(version);
        });
        writer.key("paths").object(|writer| {
            for method in &methods {
                for message in [&method.input, &method.output] {
                    let (types, id) = message.parts();
                    schemas.add(types, id);
                }
                writer.key(&method.path).object(|writer| operation(method, writer.key("post")));
            }
        });
        writer.key("components").object(|writer| {
            writer.key("schemas").object(|writer| {
                writer.key(ERROR_NAME).raw(ERROR);
                if let Some(method) = methods.first() {
                    schemas.write(method.input.parts().0, writer);
                }
            });
        });
    });
    writer.finish()
}

fn operation(method: &Method, writer: &mut Writer) {
    let name = method.path.trim_start_matches('/');
    let service = name.rsplit_once('/').map_or(name, |(service, _)| service);
    writer.object(|writer| {
        writer.key("operationId").string(&name.replace('/', "."));
        writer.key("tags").array(|writer| writer.string(service));
        if method.deprecated {
            writer.key("deprecated").raw("true");
        }
        if method.idempotency == Idempotency::NoSideEffects {
            writer.key("x-idempotency").string("NO_SIDE_EFFECTS");
        }
        writer.key("requestBody").object(|writer| {
            writer.key("required").raw("true");
            content(writer, |writer| message(&method.input, writer));
        });
        writer.key("responses").object(|writer| {
            writer.key("200").object(|writer| {
                writer.key("description").string("The response");
                content(writer, |writer| message(&method.output, writer));
            });
            writer.key("default").object(|writer| {
                writer.key("description").string("The error of the call");
                let schema = format!(r##"{{"$ref":"#/components/schemas/{ERROR_NAME}"}}"##);
                content(writer, |writer| writer.raw(&schema));
            });
        });
    });
}

fn content(writer: &mut Writer, schema: impl FnOnce(&mut Writer)) {
    writer.key("content").object(|writer| {
        writer.key("application/json").object(|writer| schema(writer.key("schema")));
    });
}

fn message(message: &Message, writer: &mut Writer) {
    let (types, id) = message.parts();
    reference(types, id, writer);
}
